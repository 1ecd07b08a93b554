package timezone

import (
	"strings"
	"sync"
)

// displayNames are the names for people of the Windows zones, without the offset that Windows puts in front. It is never
// changed.
var displayNames = map[string]string{
	"AUS Central Standard Time":       "Darwin",
	"AUS Eastern Standard Time":       "Canberra, Melbourne, Sydney",
	"Afghanistan Standard Time":       "Kabul",
	"Alaskan Standard Time":           "Alaska",
	"Aleutian Standard Time":          "Aleutian Islands",
	"Altai Standard Time":             "Barnaul, Gorno-Altaysk",
	"Arab Standard Time":              "Kuwait, Riyadh",
	"Arabian Standard Time":           "Abu Dhabi, Muscat",
	"Arabic Standard Time":            "Baghdad",
	"Argentina Standard Time":         "City of Buenos Aires",
	"Astrakhan Standard Time":         "Astrakhan, Ulyanovsk",
	"Atlantic Standard Time":          "Atlantic Time (Canada)",
	"Aus Central W. Standard Time":    "Eucla",
	"Azerbaijan Standard Time":        "Baku",
	"Azores Standard Time":            "Azores",
	"Bahia Standard Time":             "Salvador",
	"Bangladesh Standard Time":        "Dhaka",
	"Belarus Standard Time":           "Minsk",
	"Bougainville Standard Time":      "Bougainville Island",
	"Canada Central Standard Time":    "Saskatchewan",
	"Cape Verde Standard Time":        "Cabo Verde Is.",
	"Caucasus Standard Time":          "Yerevan",
	"Cen. Australia Standard Time":    "Adelaide",
	"Central America Standard Time":   "Central America",
	"Central Asia Standard Time":      "Bishkek",
	"Central Brazilian Standard Time": "Cuiaba",
	"Central Europe Standard Time":    "Belgrade, Bratislava, Budapest, Ljubljana, Prague",
	"Central European Standard Time":  "Sarajevo, Skopje, Warsaw, Zagreb",
	"Central Pacific Standard Time":   "Solomon Is., New Caledonia",
	"Central Standard Time":           "Central Time (US & Canada)",
	"Central Standard Time (Mexico)":  "Guadalajara, Mexico City, Monterrey",
	"Chatham Islands Standard Time":   "Chatham Islands",
	"China Standard Time":             "Beijing, Chongqing, Hong Kong, Urumqi",
	"Cuba Standard Time":              "Havana",
	"Dateline Standard Time":          "International Date Line West",
	"E. Africa Standard Time":         "Nairobi",
	"E. Australia Standard Time":      "Brisbane",
	"E. Europe Standard Time":         "Chisinau",
	"E. South America Standard Time":  "Brasilia",
	"Easter Island Standard Time":     "Easter Island",
	"Eastern Standard Time":           "Eastern Time (US & Canada)",
	"Eastern Standard Time (Mexico)":  "Chetumal",
	"Egypt Standard Time":             "Cairo",
	"Ekaterinburg Standard Time":      "Ekaterinburg",
	"FLE Standard Time":               "Helsinki, Kyiv, Riga, Sofia, Tallinn, Vilnius",
	"Fiji Standard Time":              "Fiji",
	"GMT Standard Time":               "Dublin, Edinburgh, Lisbon, London",
	"GTB Standard Time":               "Athens, Bucharest",
	"Georgian Standard Time":          "Tbilisi",
	"Greenland Standard Time":         "Greenland",
	"Greenwich Standard Time":         "Monrovia, Reykjavik",
	"Haiti Standard Time":             "Haiti",
	"Hawaiian Standard Time":          "Hawaii",
	"India Standard Time":             "Chennai, Kolkata, Mumbai, New Delhi",
	"Iran Standard Time":              "Tehran",
	"Israel Standard Time":            "Jerusalem",
	"Jordan Standard Time":            "Amman",
	"Kaliningrad Standard Time":       "Kaliningrad",
	"Korea Standard Time":             "Seoul",
	"Libya Standard Time":             "Tripoli",
	"Line Islands Standard Time":      "Kiritimati Island",
	"Lord Howe Standard Time":         "Lord Howe Island",
	"Magadan Standard Time":           "Magadan",
	"Magallanes Standard Time":        "Punta Arenas",
	"Marquesas Standard Time":         "Marquesas Islands",
	"Mauritius Standard Time":         "Port Louis",
	"Middle East Standard Time":       "Beirut",
	"Montevideo Standard Time":        "Montevideo",
	"Morocco Standard Time":           "Casablanca",
	"Mountain Standard Time":          "Mountain Time (US & Canada)",
	"Mountain Standard Time (Mexico)": "La Paz, Mazatlan",
	"Myanmar Standard Time":           "Yangon (Rangoon)",
	"N. Central Asia Standard Time":   "Novosibirsk",
	"Namibia Standard Time":           "Windhoek",
	"Nepal Standard Time":             "Kathmandu",
	"New Zealand Standard Time":       "Auckland, Wellington",
	"Newfoundland Standard Time":      "Newfoundland",
	"Norfolk Standard Time":           "Norfolk Island",
	"North Asia East Standard Time":   "Irkutsk",
	"North Asia Standard Time":        "Krasnoyarsk",
	"North Korea Standard Time":       "Pyongyang",
	"Omsk Standard Time":              "Omsk",
	"Pacific SA Standard Time":        "Santiago",
	"Pacific Standard Time":           "Pacific Time (US & Canada)",
	"Pacific Standard Time (Mexico)":  "Baja California",
	"Pakistan Standard Time":          "Islamabad, Karachi",
	"Paraguay Standard Time":          "Asuncion",
	"Qyzylorda Standard Time":         "Qyzylorda",
	"Romance Standard Time":           "Brussels, Copenhagen, Madrid, Paris",
	"Russia Time Zone 10":             "Chokurdakh",
	"Russia Time Zone 11":             "Anadyr, Petropavlovsk-Kamchatsky",
	"Russia Time Zone 3":              "Izhevsk, Samara",
	"Russian Standard Time":           "Moscow, St. Petersburg",
	"SA Eastern Standard Time":        "Cayenne, Fortaleza",
	"SA Pacific Standard Time":        "Bogota, Lima, Quito, Rio Branco",
	"SA Western Standard Time":        "Georgetown, La Paz, Manaus, San Juan",
	"SE Asia Standard Time":           "Bangkok, Hanoi, Jakarta",
	"Saint Pierre Standard Time":      "Saint Pierre and Miquelon",
	"Sakhalin Standard Time":          "Sakhalin",
	"Samoa Standard Time":             "Samoa",
	"Sao Tome Standard Time":          "Sao Tome",
	"Saratov Standard Time":           "Saratov",
	"Singapore Standard Time":         "Kuala Lumpur, Singapore",
	"South Africa Standard Time":      "Harare, Pretoria",
	"South Sudan Standard Time":       "Juba",
	"Sri Lanka Standard Time":         "Sri Jayawardenepura",
	"Sudan Standard Time":             "Khartoum",
	"Syria Standard Time":             "Damascus",
	"Taipei Standard Time":            "Taipei",
	"Tasmania Standard Time":          "Hobart",
	"Tocantins Standard Time":         "Araguaina",
	"Tokyo Standard Time":             "Osaka, Sapporo, Tokyo",
	"Tomsk Standard Time":             "Tomsk",
	"Tonga Standard Time":             "Nuku'alofa",
	"Transbaikal Standard Time":       "Chita",
	"Turkey Standard Time":            "Istanbul",
	"Turks And Caicos Standard Time":  "Turks and Caicos",
	"US Eastern Standard Time":        "Indiana (East)",
	"US Mountain Standard Time":       "Arizona",
	"UTC":                             "Coordinated Universal Time",
	"UTC+12":                          "Coordinated Universal Time+12",
	"UTC+13":                          "Coordinated Universal Time+13",
	"UTC-02":                          "Coordinated Universal Time-02",
	"UTC-08":                          "Coordinated Universal Time-08",
	"UTC-09":                          "Coordinated Universal Time-09",
	"UTC-11":                          "Coordinated Universal Time-11",
	"Ulaanbaatar Standard Time":       "Ulaanbaatar",
	"Venezuela Standard Time":         "Caracas",
	"Vladivostok Standard Time":       "Vladivostok",
	"Volgograd Standard Time":         "Volgograd",
	"W. Australia Standard Time":      "Perth",
	"W. Central Africa Standard Time": "West Central Africa",
	"W. Europe Standard Time":         "Amsterdam, Berlin, Bern, Rome, Stockholm, Vienna",
	"W. Mongolia Standard Time":       "Hovd",
	"West Asia Standard Time":         "Ashgabat, Tashkent",
	"West Bank Standard Time":         "Gaza, Hebron",
	"West Pacific Standard Time":      "Guam, Port Moresby",
	"Yakutsk Standard Time":           "Yakutsk",
	"Yukon Standard Time":             "Yukon",
}

// otherNames are, in lower case, Windows names that CLDR lacks, names that the time zone database gave up, display names of
// older versions, and the short names of Lotus Notes and of Outlook before 2007. It is never changed.
var otherNames = map[string]string{
	"z": "UTC", "gmt": "UTC",
	"canada/east-saskatchewan":   "America/Regina",
	"us/pacific-new":             "America/Los_Angeles",
	"mid-atlantic standard time": "Etc/GMT+2",
	"kamchatka standard time":    "Asia/Kamchatka",
	"mexico standard time":       "America/Mexico_City",
	"mexico standard time 2":     "America/Chihuahua",
	"armenian standard time":     "Asia/Yerevan",
	"eastern":                    "America/New_York",
	"central":                    "America/Chicago",
	"mountain":                   "America/Denver",
	"pacific":                    "America/Los_Angeles",
	"w. europe":                  "Europe/Berlin",
	"romance":                    "Europe/Paris",
	"central europe":             "Europe/Budapest",
	"india":                      "Asia/Kolkata",
	"tokyo":                      "Asia/Tokyo",
	"greenwich mean time : dublin, edinburgh, lisbon, london": "Europe/London",
	"monrovia, reykjavik":                                "Atlantic/Reykjavik",
	"casablanca, monrovia, reykjavik":                    "Africa/Casablanca",
	"athens, bucharest, istanbul":                        "Europe/Athens",
	"athens, beirut, istanbul, minsk":                    "Europe/Athens",
	"helsinki, kiev, riga, sofia, tallinn, vilnius":      "Europe/Kyiv",
	"moscow, st. petersburg, volgograd":                  "Europe/Moscow",
	"beijing, chongqing, hong kong sar, urumqi":          "Asia/Shanghai",
	"mumbai, kolkata, chennai, new delhi":                "Asia/Kolkata",
	"astana":                                             "Asia/Almaty",
	"buenos aires":                                       "America/Argentina/Buenos_Aires",
	"cape verde is.":                                     "Atlantic/Cape_Verde",
	"tijuana, baja california":                           "America/Tijuana",
	"chihuahua, la paz, mazatlan":                        "America/Mazatlan",
	"international date line west, midway island, samoa": "Pacific/Pago_Pago",
	"midway island, samoa":                               "Pacific/Pago_Pago",
	"sydney":                                             "Australia/Sydney",
}

// displayed finds IANA names by the display names, in lower case.
var displayed = sync.OnceValue(func() map[string]string {
	m := make(map[string]string, len(displayNames))
	for windows, name := range displayNames {
		m[strings.ToLower(name)] = windowsToIANA[windows]
	}
	return m
})

// folded finds Windows names in any case.
var folded = sync.OnceValue(func() map[string]string {
	m := make(map[string]string, len(windowsToIANA))
	for windows := range windowsToIANA {
		m[strings.ToLower(windows)] = windows
	}
	return m
})

// windowsNamed returns the IANA name of a Windows name in any case.
func windowsNamed(name string) (iana string, ok bool) {
	if iana, ok = windowsToIANA[name]; ok {
		return iana, true
	}
	iana, ok = windowsToIANA[folded()[strings.ToLower(name)]]
	return iana, ok
}
