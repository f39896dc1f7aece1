package corpus

import "strings"

// Words that the invented notes are made of. They are ordinary words on
// purpose: what users ask about is mostly made of such words, and a word that
// was seen in many notes is one whose token the model has learned.
var (
	nouns = strings.Fields(`office kitchen garden library warehouse garage bakery cafe canteen school museum hotel station
airport harbor bridge tower gate lobby roof cellar basement workshop studio theater clinic hospital pharmacy farm barn
stable boat ship ferry bus train tram truck van car bicycle engine motor pump lamp clock door window desk chair table
sofa carpet curtain mirror oven fridge kettle mug plate bowl spoon knife bottle jar basket box bag wallet key lock
safe vault drawer shelf cabinet printer scanner screen laptop server router switch cable database cluster queue cache
backup archive folder file report invoice contract ticket badge card form letter parcel package order shipment
delivery stamp map guide manual book notebook diary calendar poster banner flag statue fountain pond river lake
hill forest field meadow orchard greenhouse nursery cat dog horse parrot rabbit turtle goat cow hen owl fox bear
choir band orchestra club team crew squad class course lesson lecture seminar workshop meeting interview audit
review survey election festival concert parade picnic party wedding marathon race match tournament trophy medal
prize budget fund account loan rent salary bonus tax fee bill receipt project plan program campaign mission release
build pipeline deploy test sensor robot drone camera microphone speaker radio antenna satellite telescope
microscope scale thermometer battery charger adapter fan heater boiler furnace freezer dishwasher elevator
escalator stairs corridor hallway room hall suite apartment cottage cabin tent camp shelter mill mine factory plant
refinery depot yard dock pier lighthouse castle palace temple church chapel market store shop kiosk stall booth
newsletter website portal forum blog podcast channel playlist recipe soup salad cake pie bread cheese sauce coffee
tea juice lemonade menu dinner lunch breakfast snack gateway firewall proxy endpoint token cookie alarm siren
whistle bell horn drum guitar piano violin flute trumpet harp painting sculpture photo film novel poem song dance
costume jacket coat shirt scarf glove helmet boot sandal umbrella ring necklace watch crown quilt pillow blanket
tank valve pipe filter ladder hammer drill saw anvil crane tractor plow rocket shuttle probe rover submarine
exhibition conference reception intranet network wifi phone hotline helpdesk mailbox locker fridge mascot founder
supplier customer vendor partner client tenant landlord neighbor visitor guest intern trainee apprentice`)

	adjectives = strings.Fields(`old new big small large tiny red blue green white black yellow gray silver golden purple orange
north south east west upper lower main central second third first last front rear left right inner outer open hidden
quiet loud fast slow heavy light long short tall deep narrow wide round square flat dark bright warm cold fresh dry
wet clean dusty rusty broken spare mobile digital public private internal external annual monthly weekly daily
nightly winter summer spring autumn local global national royal ancient modern wooden stone glass steel paper copper
brass plastic leather cotton electric solar hybrid portable wireless remote virtual staging production secret
special famous lucky happy brave gentle wild tame young junior senior chief regional coastal mountain desert
emergency backup temporary permanent official holiday evening morning midnight shared customer sales legal security
support finance marketing research training test night visitor staff`)

	attributeNouns = strings.Fields(`code name weight size length height width depth price color owner floor room port key number
address limit version deadline topic flavor password pin label title motto nickname shape pattern brand model type
level rank score speed range volume capacity temperature pressure voltage power age origin destination route
schedule theme budget fee rate discount deposit balance target goal purpose reason result status priority category
format language symbol logo slogan anthem mascot sponsor host domain region zone branch channel frequency timeout
interval threshold quota maximum minimum default prefix suffix extension username hostname license serial material
fabric filling topping ingredient secret location entrance exit seat row table phone contact signal license
capital currency distance duration delay margin ratio grade phase stage`)

	firstNames = strings.Fields(`Anna Ben Clara David Elena Felix Greta Hugo Ines Jonas Karin Leo Marta Nils Olga Paul Rosa Samuel
Tina Uwe Vera Walter Yara Zoe Adam Bella Carlos Diana Emil Fatima George Hannah Ivan Julia Kenji Laura Miguel Nadia
Omar Priya Quinn Rafael Sofia Tom Ursula Victor Wendy Xavier Yusuf Amara Bruno Chloe Dmitri Esther Farid Gloria Henrik
Iris Jamal Kira Lars Mona Nora Otto Petra Ravi Sara Theo Viola Aisha Boris Carmen Dario Edith Frank Grace Hassan Ida
Jack Kate Liam Maya Noah Oscar Peter Ruth Simon Tara Lucy Mark Nina Pablo Robert Susan Maria John Alice Emma`)

	lastNames = strings.Fields(`Almeida Becker Costa Dubois Eriksen Fischer Garcia Hansen Ivanova Jensen Keller Lopez Moretti Novak
Okafor Petrov Quist Rossi Santos Tanaka Ueda Vargas Weber Young Zhang Andersson Bauer Chen Diaz Evans Ferrari Gruber
Haddad Iqbal Johnson Kowalski Lindqvist Mendoza Nakamura Oliveira Patel Quinn Reyes Schmidt Thompson Vogel Wagner
Yilmaz Zimmer Abbott Brown Carter Dixon Ellis Foster Grant Hughes Irving Jones Khan Lee Miller Nguyen Owens Parker
Reed Silva Taylor Underwood Vance Walker Smith Wilson Moore Clark Hill Baker King Wright`)

	cities = strings.Fields(`Oslo Lisbon Berlin Dublin Porto Zurich Geneva Lyon Turin Krakow Hamburg Munich Seattle Denver Boston Austin
Chicago Toronto Osaka Kyoto Mumbai Perth Sydney Leeds Bristol Glasgow Malmo Bergen Antwerp Utrecht Valencia Seville
Naples Florence Salzburg Graz Basel Gdansk Brno Split Bordeaux Nantes Dallas Phoenix Portland Oakland`)

	colors = strings.Fields(`red blue green white black yellow gray silver gold purple orange brown pink teal violet turquoise beige
crimson ivory maroon navy olive lime`)

	materials = strings.Fields(`oak pine steel glass copper brass wool cotton leather paper clay marble granite bamboo rubber silk
linen bronze concrete cork felt plastic aluminium carbon walnut velvet`)

	days   = strings.Fields(`Monday Tuesday Wednesday Thursday Friday Saturday Sunday`)
	months = strings.Fields(`January February March April May June July August September October November December`)

	kinds = strings.Fields(`fuel oil food software tool language system paint paper wood metal sauce spice cheese fruit vegetable
drink soap powder battery cable printer browser editor library framework protocol format font color animal flower tree
bird fish game song book brand model device engine method material city street building team player station`)

	things = strings.Fields(`rooms seats doors windows wheels keys pages chapters floors members players students workers guests tables
chairs lamps beds books boxes bottles cameras screens servers nodes copies days hours minutes points stops steps
licenses users tickets orders branches desks lockers horses cows trees apples eggs cups rows columns buttons sensors
cores disks employees children brothers sisters cats dogs offices stores teams machines`)

	units = strings.Fields(`meters kilometers grams kilos liters minutes hours days weeks months years euros dollars degrees percent
watts volts gigabytes megabytes pages miles pounds people`)

	places = strings.Fields(`cellar attic drawer locker cupboard garage hallway basement lobby yard barn shed vault archive workshop
closet kitchen library tower courtyard garden office safe cabinet corner shelf freezer tent warehouse depot`)

	foods = strings.Fields(`mango carrot pizza pasta rice lentils mushroom pumpkin apple cherry lemon garlic onion basil ginger cinnamon
vanilla chocolate honey walnut almond pepper tomato potato salmon tuna turkey lamb beef spinach coconut banana
blueberry strawberry peach melon oats barley rye yogurt butter`)

	timeVerbs  = strings.Fields(`open close start end leave arrive begin run finish stop`)
	placeVerbs = strings.Fields(`kept stored parked held located found hidden sold made built printed repaired shown served`)
	useVerbs   = []string{"use/uses/used", "need/needs/needed", "serve/serves/served", "sell/sells/sold", "like/likes/liked", "eat/eats/eaten",
		"support/supports/supported", "prefer/prefers/preferred", "produce/produces/produced", "collect/collects/collected",
		"accept/accepts/accepted", "require/requires/required", "play/plays/played", "drink/drinks/drunk", "speak/speaks/spoken"}
	personVerbs = []string{"leads/led/leader", "owns/owned/owner", "runs/run/manager", "built/built/builder", "founded/founded/founder",
		"painted/painted/painter", "designs/designed/designer", "teaches/taught/teacher", "repairs/repaired/mechanic",
		"wrote/written/author", "manages/managed/manager", "approves/approved/approver", "checks/checked/inspector",
		"feeds/fed/keeper", "cleans/cleaned/cleaner", "trains/trained/trainer", "drives/driven/driver",
		"guards/guarded/guard", "signs/signed/signer", "plans/planned/planner", "supports/supported/contact",
		"directs/directed/director", "hosts/hosted/host", "maintains/maintained/maintainer", "bakes/baked/baker",
		"sponsors/sponsored/sponsor", "invented/invented/inventor", "won/won/winner", "coaches/coached/coach", "handles/handled/contact"}
	fixVerbs = []string{"restart", "reset", "open", "close", "clean", "lock", "unlock", "book", "cancel", "order", "report", "charge", "join",
		"renew", "update", "stop", "start", "return", "request", "reach", "enter", "fix"}
	actions = []string{"call", "press", "turn", "hold", "pull", "push", "open", "close", "check", "remove", "replace", "send", "ask",
		"visit", "scan", "sign", "fill", "shake", "unplug", "lift", "move", "read", "write", "delete", "copy", "tap"}

	syllables = strings.Fields(`ba be bi bo bra bri ca ce chi co cra da de dor dra du el en er fa fen fi fla fo ga gel gri ha hel hu in is ja
jo ka kel ki kor kra la lan le li lo lu ma mar mel mi mo na nel ni no or os pa pel pi po qua ra ren ri ro ru sa sel shi
so sta ta tel ti to tra tu ul va vel vi vo wa wen wi xa ya ze zi zo`)
)
