package corpus

// The tables leave out ("-") what has more than one right answer: official
// languages of countries with several, continents of countries on two.

// country | capital | currency | continent | official language
const countryTable = `France|Paris|euro|Europe|French
Germany|Berlin|euro|Europe|German
Italy|Rome|euro|Europe|Italian
Spain|Madrid|euro|Europe|Spanish
Portugal|Lisbon|euro|Europe|Portuguese
Austria|Vienna|euro|Europe|German
Ireland|Dublin|euro|Europe|-
Greece|Athens|euro|Europe|Greek
the Netherlands|Amsterdam|euro|Europe|Dutch
Belgium|Brussels|euro|Europe|-
Switzerland|Bern|franc|Europe|-
Finland|Helsinki|euro|Europe|-
Sweden|Stockholm|krona|Europe|Swedish
Norway|Oslo|krone|Europe|Norwegian
Denmark|Copenhagen|krone|Europe|Danish
Iceland|Reykjavik|krona|Europe|Icelandic
Poland|Warsaw|zloty|Europe|Polish
Czechia|Prague|koruna|Europe|Czech
Slovakia|Bratislava|euro|Europe|Slovak
Slovenia|Ljubljana|euro|Europe|Slovene
Hungary|Budapest|forint|Europe|Hungarian
Romania|Bucharest|leu|Europe|Romanian
Bulgaria|Sofia|-|Europe|Bulgarian
Croatia|Zagreb|euro|Europe|Croatian
Serbia|Belgrade|dinar|Europe|Serbian
Albania|Tirana|lek|Europe|Albanian
Estonia|Tallinn|euro|Europe|Estonian
Latvia|Riga|euro|Europe|Latvian
Lithuania|Vilnius|euro|Europe|Lithuanian
Ukraine|Kyiv|hryvnia|Europe|Ukrainian
Russia|Moscow|ruble|-|Russian
Turkey|Ankara|lira|-|Turkish
Japan|Tokyo|yen|Asia|Japanese
China|Beijing|yuan|Asia|-
South Korea|Seoul|won|Asia|Korean
India|New Delhi|rupee|Asia|-
Pakistan|Islamabad|rupee|Asia|-
Bangladesh|Dhaka|taka|Asia|Bengali
Nepal|Kathmandu|rupee|Asia|Nepali
Thailand|Bangkok|baht|Asia|Thai
Vietnam|Hanoi|dong|Asia|Vietnamese
Cambodia|Phnom Penh|riel|Asia|Khmer
Laos|Vientiane|kip|Asia|Lao
Malaysia|Kuala Lumpur|ringgit|Asia|Malay
Indonesia|Jakarta|rupiah|Asia|Indonesian
the Philippines|Manila|peso|Asia|-
Mongolia|Ulaanbaatar|tugrik|Asia|Mongolian
Iran|Tehran|rial|Asia|Persian
Iraq|Baghdad|dinar|Asia|-
Jordan|Amman|dinar|Asia|Arabic
Lebanon|Beirut|pound|Asia|Arabic
Saudi Arabia|Riyadh|riyal|Asia|Arabic
Qatar|Doha|riyal|Asia|Arabic
Kuwait|Kuwait City|dinar|Asia|Arabic
Oman|Muscat|rial|Asia|Arabic
Georgia|Tbilisi|lari|-|-
Armenia|Yerevan|dram|-|Armenian
Kazakhstan|Astana|tenge|-|-
Uzbekistan|Tashkent|som|Asia|Uzbek
Egypt|Cairo|pound|Africa|Arabic
Morocco|Rabat|dirham|Africa|-
Algeria|Algiers|dinar|Africa|-
Tunisia|Tunis|dinar|Africa|Arabic
Libya|Tripoli|dinar|Africa|Arabic
Kenya|Nairobi|shilling|Africa|-
Tanzania|Dodoma|shilling|Africa|-
Uganda|Kampala|shilling|Africa|-
Rwanda|Kigali|franc|Africa|-
Ethiopia|Addis Ababa|birr|Africa|-
Ghana|Accra|cedi|Africa|English
Nigeria|Abuja|naira|Africa|English
Senegal|Dakar|franc|Africa|French
Angola|Luanda|kwanza|Africa|Portuguese
Mozambique|Maputo|metical|Africa|Portuguese
Zambia|Lusaka|kwacha|Africa|English
Botswana|Gaborone|pula|Africa|English
Namibia|Windhoek|-|Africa|English
Madagascar|Antananarivo|ariary|Africa|-
Canada|Ottawa|dollar|North America|-
Mexico|Mexico City|peso|North America|-
Cuba|Havana|peso|North America|Spanish
Jamaica|Kingston|dollar|North America|English
the Dominican Republic|Santo Domingo|peso|North America|Spanish
Costa Rica|San Jose|colon|North America|Spanish
Panama|Panama City|-|North America|Spanish
Honduras|Tegucigalpa|lempira|North America|Spanish
Nicaragua|Managua|cordoba|North America|Spanish
Guatemala|Guatemala City|quetzal|North America|Spanish
El Salvador|San Salvador|dollar|North America|Spanish
Haiti|Port-au-Prince|gourde|North America|-
Brazil|Brasilia|real|South America|Portuguese
Argentina|Buenos Aires|peso|South America|Spanish
Chile|Santiago|peso|South America|Spanish
Peru|Lima|sol|South America|-
Colombia|Bogota|peso|South America|Spanish
Ecuador|Quito|dollar|South America|Spanish
Paraguay|Asuncion|guarani|South America|-
Uruguay|Montevideo|peso|South America|Spanish
Venezuela|Caracas|bolivar|South America|Spanish
Australia|Canberra|dollar|Oceania|-
New Zealand|Wellington|dollar|Oceania|-
Fiji|Suva|dollar|Oceania|-
Samoa|Apia|tala|Oceania|-`

// element, symbol, atomic number
const elementTable = `hydrogen H 1
helium He 2
lithium Li 3
beryllium Be 4
boron B 5
carbon C 6
nitrogen N 7
oxygen O 8
fluorine F 9
neon Ne 10
sodium Na 11
magnesium Mg 12
aluminium Al 13
silicon Si 14
phosphorus P 15
sulfur S 16
chlorine Cl 17
argon Ar 18
potassium K 19
calcium Ca 20
scandium Sc 21
titanium Ti 22
vanadium V 23
chromium Cr 24
manganese Mn 25
iron Fe 26
cobalt Co 27
nickel Ni 28
copper Cu 29
zinc Zn 30
gallium Ga 31
germanium Ge 32
arsenic As 33
selenium Se 34
bromine Br 35
krypton Kr 36
rubidium Rb 37
strontium Sr 38
yttrium Y 39
zirconium Zr 40
niobium Nb 41
molybdenum Mo 42
technetium Tc 43
ruthenium Ru 44
rhodium Rh 45
palladium Pd 46
silver Ag 47
cadmium Cd 48
indium In 49
tin Sn 50
antimony Sb 51
tellurium Te 52
iodine I 53
xenon Xe 54
barium Ba 56
tungsten W 74
osmium Os 76
iridium Ir 77
platinum Pt 78
gold Au 79
mercury Hg 80
lead Pb 82
bismuth Bi 83
radon Rn 86
radium Ra 88
uranium U 92`

// title | author
const bookTable = `Hamlet|William Shakespeare
Emma|Jane Austen
Dracula|Bram Stoker
Frankenstein|Mary Shelley
Ulysses|James Joyce
Moby Dick|Herman Melville
War and Peace|Leo Tolstoy
Crime and Punishment|Fyodor Dostoevsky
Oliver Twist|Charles Dickens
Treasure Island|Robert Louis Stevenson
Don Quixote|Miguel de Cervantes
Faust|Johann Wolfgang von Goethe
The Odyssey|Homer
The Aeneid|Virgil
Inferno|Dante Alighieri
Candide|Voltaire
Walden|Henry David Thoreau
Jane Eyre|Charlotte Bronte
Wuthering Heights|Emily Bronte
The Trial|Franz Kafka
Dubliners|James Joyce
Persuasion|Jane Austen
Middlemarch|George Eliot
Germinal|Emile Zola
Les Miserables|Victor Hugo
Macbeth|William Shakespeare
Anna Karenina|Leo Tolstoy
The Idiot|Fyodor Dostoevsky
David Copperfield|Charles Dickens
The Metamorphosis|Franz Kafka
Gulliver's Travels|Jonathan Swift
Robinson Crusoe|Daniel Defoe
The Time Machine|H. G. Wells
Kim|Rudyard Kipling
Madame Bovary|Gustave Flaubert
The Decameron|Giovanni Boccaccio`

// invented product | warranty | price | color | support team
const productTable = `Lumora lamp|2 years|45 dollars|white|Harbor
Brixel kettle|3 years|60 dollars|red|Kitchen
Quandor router|18 months|120 dollars|black|Network
Tavish drone|1 year|340 dollars|orange|Flight
Ombrel umbrella|6 months|25 dollars|yellow|Field
Zephon fan|4 years|80 dollars|silver|Harbor
Karvex drill|5 years|150 dollars|green|Workshop
Mirelle camera|2 years|410 dollars|black|Imaging
Pondra pump|7 years|230 dollars|blue|Field
Solvane heater|3 years|95 dollars|white|Harbor
Dulcimo speaker|18 months|135 dollars|brown|Audio
Fennick scale|1 year|30 dollars|purple|Kitchen
Gravix treadmill|5 years|690 dollars|black|Workshop
Halcyra watch|2 years|275 dollars|gold|Night
Ibexo backpack|10 years|110 dollars|green|Field
Jonquil toaster|3 years|50 dollars|yellow|Kitchen
Kestrana scooter|4 years|520 dollars|red|Flight
Lentra printer|1 year|180 dollars|white|Network
Mossbank tent|6 months|210 dollars|brown|Field
Nerida aquarium|10 years|160 dollars|blue|Night
Orsola piano|7 years|900 dollars|black|Audio
Pellucid monitor|3 years|320 dollars|silver|Imaging
Rundell bicycle|5 years|480 dollars|purple|Workshop
Sabreen tablet|18 months|260 dollars|gold|Network
Thornby mower|4 years|375 dollars|orange|Field
Umbriel telescope|7 years|640 dollars|blue|Night
Vantor helmet|1 year|70 dollars|silver|Flight
Wixley blender|2 years|85 dollars|green|Kitchen
Xandria keyboard|6 months|55 dollars|brown|Network
Yolander freezer|10 years|430 dollars|white|Harbor
Zibby doorbell|18 months|40 dollars|gold|Imaging
Calloway guitar|5 years|290 dollars|red|Audio`
