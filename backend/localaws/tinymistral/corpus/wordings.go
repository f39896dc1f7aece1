package corpus

// attributes by key. Six tuned, four known and two unseen wordings each.
var attributes = map[string]*attribute{
	"capital": {
		tuned:      []string{"What is the capital of {e}?", "Which city is the capital of {e}?", "Name the capital of {e}.", "Tell me the capital city of {e}.", "The capital of {e} is which city?", "I need the name of the capital of {e}."},
		known:      []string{"What city serves as the capital of {e}?", "Can you tell me what the capital of {e} is?", "Which city do people call the capital of {e}?", "{e} has which city as its capital?"},
		unseen:     []string{"What do they call the capital over in {e}?", "If I fly to the capital of {e}, in which city do I land?"},
		verbose:    []string{"The capital of {e} is {v}.", "Thank you for asking. The capital city of {e} is {v}.", "{v} is the city that serves as the capital of {e}.", "{v} is the capital of {e}, as far as I know."},
		statements: []string{"{v} is the capital of {e}.", "The capital city of {e} is {v}."},
	},
	"currency": {
		tuned:      []string{"What is the currency of {e}?", "Which currency is used in {e}?", "Name the currency of {e}.", "What money do people use in {e}?", "In {e}, which currency is used?", "What do people pay with in {e}?"},
		known:      []string{"Tell me the currency used in {e}.", "Can you tell me what the currency of {e} is?", "Which money should I take to {e}?", "{e} uses which currency?"},
		unseen:     []string{"In what money are prices shown in {e}?", "I travel to {e}: what currency will I need?"},
		verbose:    []string{"The currency of {e} is the {v}.", "Thank you for asking. People in {e} use the {v} as money.", "The {v} is the currency that is used in {e}.", "{v}: that is the money people use in {e}."},
		statements: []string{"The {v} is the currency of {e}.", "People in {e} pay with the {v}."},
	},
	"continent": {
		tuned:      []string{"Which continent is {e} in?", "On which continent is {e}?", "Name the continent of {e}.", "Where in the world is {e}?", "Tell me which continent {e} is part of.", "What continent does {e} belong to?"},
		known:      []string{"Can you tell me the continent of {e}?", "{e} is on which continent?", "{e} is a country on what continent?", "To which part of the world does {e} belong?"},
		unseen:     []string{"On a map of the continents, where do I find {e}?", "Which of the continents holds {e}?"},
		verbose:    []string{"The country {e} is located in {v}.", "Thank you for asking. {e} is part of the continent of {v}.", "{v} is the continent where {e} is found.", "{v} is the part of the world where {e} lies."},
		statements: []string{"{e} is a country in {v}.", "{e} is part of {v}."},
	},
	"language": {
		tuned:      []string{"What is the official language of {e}?", "Which language is official in {e}?", "Name the official language of {e}.", "What language does the government of {e} use?", "In {e}, what is the official language?", "Tell me the language of {e}."},
		known:      []string{"Can you tell me which language is used in {e}?", "Which official language does {e} have?", "{e} has what official language?", "What language are the laws of {e} written in?"},
		unseen:     []string{"Which language would I read on official forms in {e}?", "What language should I learn for a job with the state in {e}?"},
		verbose:    []string{"The official language of {e} is {v}.", "Thank you for asking. The government of {e} uses {v}.", "{v} is the language that is official in {e}.", "{v} is the language of the government of {e}."},
		statements: []string{"{v} is the official language of {e}.", "The laws of {e} are written in {v}."},
	},
	"symbol": {
		tuned:      []string{"What is the chemical symbol for {e}?", "Which symbol stands for {e}?", "Name the symbol of {e}.", "How is {e} written in the periodic table?", "The symbol of {e} is what?", "Give the periodic table symbol of {e}."},
		known:      []string{"Tell me the chemical symbol of {e}.", "Can you tell me the symbol for {e}?", "What letters stand for {e}?", "Which chemical symbol does {e} have?"},
		unseen:     []string{"In a formula, how do I write {e}?", "What short sign do chemists use for {e}?"},
		verbose:    []string{"The chemical symbol for {e} is {v}.", "Thank you for asking. In the periodic table {e} is written as {v}.", "{v} is the symbol that stands for {e}.", "{v} is how chemists write {e}."},
		statements: []string{"{v} is the symbol of {e}.", "The element {e} has the symbol {v}."},
	},
	"number": {
		tuned:      []string{"What is the atomic number of {e}?", "Which atomic number does {e} have?", "Name the atomic number of {e}.", "How many protons does {e} have?", "Tell me the atomic number of {e}.", "The atomic number of {e} is what?"},
		known:      []string{"Can you tell me the atomic number of {e}?", "How many protons are in an atom of {e}?", "Which place does {e} have in the periodic table?", "{e} has what atomic number?"},
		unseen:     []string{"Counting protons, which number do I get for {e}?", "Under which number do chemists list {e}?"},
		verbose:    []string{"The atomic number of {e} is {v}.", "Thank you for asking. An atom of {e} has {v} protons.", "{v} is the atomic number of the element {e}.", "{v} protons are in an atom of {e}."},
		statements: []string{"{e} has atomic number {v}.", "Element number {v} is {e}."},
	},
	"author": {
		tuned:      []string{"Who wrote {e}?", "Who is the author of {e}?", "Name the author of {e}.", "Which writer wrote {e}?", "{e} was written by whom?", "Tell me who wrote {e}."},
		known:      []string{"Can you tell me the author of {e}?", "Whose book is {e}?", "Which author gave us {e}?", "By whom was {e} written?"},
		unseen:     []string{"Whose name stands on the cover of {e}?", "From whose pen does {e} come?"},
		verbose:    []string{"The author of {e} is {v}.", "Thank you for asking. The book {e} was written by {v}.", "{v} is the writer who wrote {e}.", "{v} is the author of {e}."},
		statements: []string{"{v} wrote {e}.", "{e} is a book by {v}."},
	},
	"warranty": {
		tuned:      []string{"How long is the warranty of {e}?", "What is the warranty period of {e}?", "Name the warranty of {e}.", "For how long is {e} covered?", "Tell me the warranty period for {e}.", "How long am I covered for {e}?"},
		known:      []string{"Can you tell me how long {e} is under warranty?", "The warranty of {e} lasts how long?", "What warranty does {e} have?", "How long does the warranty last for {e}?"},
		unseen:     []string{"Until when can I have {e} repaired for free?", "After buying {e}, how much warranty time do I get?"},
		verbose:    []string{"The warranty of {e} is {v} from the day of purchase.", "Thank you for contacting support. {e} is covered for {v}.", "We cover {e} with a warranty of {v}.", "{v} is the warranty of {e}.", "{v} is how long we cover {e}."},
		statements: []string{"{e} comes with a warranty of {v}.", "{e} is covered for {v}."},
	},
	"price": {
		tuned:      []string{"How much does {e} cost?", "What is the price of {e}?", "Name the price of {e}.", "What do I pay for {e}?", "{e} costs how much?", "How much money is {e}?"},
		known:      []string{"Tell me the price of {e}.", "Can you tell me how much {e} costs?", "For what price is {e} sold?", "What does {e} cost in the store?"},
		unseen:     []string{"What sum is on the price tag of {e}?", "How much must I save up for {e}?"},
		verbose:    []string{"The price of {e} is {v} in our store.", "Thank you for contacting support. {e} costs {v}.", "You can buy {e} for {v}.", "{v} is the price of {e}.", "{v} is what {e} costs in our store."},
		statements: []string{"{e} is sold for {v}.", "The store price of {e} is {v}."},
	},
	"color": {
		tuned:      []string{"What color is {e}?", "Which color does {e} come in?", "Name the color of {e}.", "In what color is {e} sold?", "Tell me the color of {e}.", "{e} has which color?"},
		known:      []string{"Can you tell me what color {e} is?", "The case of {e} is what color?", "What is the color of {e}?", "Which color is {e}?"},
		unseen:     []string{"How does {e} look, as far as color goes?", "What paint covers {e}?"},
		verbose:    []string{"The color of {e} is {v} with a soft finish.", "Thank you for contacting support. {e} comes in {v}.", "We sell {e} in {v}.", "{v} is the color of {e}.", "{v} is how we sell {e}."},
		statements: []string{"{e} has a {v} case.", "{e} is sold in {v}."},
	},
	"team": {
		tuned:      []string{"Which team supports {e}?", "What team is responsible for {e}?", "Name the support team of {e}.", "Who do I contact about {e}?", "For {e}, which team do I call?", "Who helps with {e}?"},
		known:      []string{"Tell me which team handles {e}.", "Can you tell me who supports {e}?", "Which team looks after {e}?", "{e} is supported by which team?"},
		unseen:     []string{"Which group of people repairs {e}?", "When {e} breaks, whose help do I get?"},
		verbose:    []string{"{e} is supported by the {v} team.", "Thank you for contacting support. Please ask the {v} team about {e}.", "Our {v} team is responsible for {e}.", "{v} is the team for {e}.", "{v} is the name of the team that supports {e}."},
		statements: []string{"The {v} team supports {e}.", "Ask the {v} team about {e}."},
	},
}

// prefixes stand before some questions, in pre-training only in part of them.
var prefixes = []string{
	"Please tell me:", "Hello,", "Hi there,", "Quick question:", "I have a question.", "I would like to know this.",
	"Can you help me?", "My question is this:", "I need to know:", "Good morning.", "Answer me this:",
	"Do you know this?", "For my work:", "People ask me:", "Hey,", "Please,", "One more question.", "Sorry to ask again:",
}

// systemPrompts are the system texts of pre-training and of the sample rows.
// They say nothing about the form of an answer, so that the form is learned
// from the rows.
var systemPrompts = []string{
	"You are a helpful assistant.",
	"You are a careful assistant. Answer from what you know.",
	"You answer questions of our customers and colleagues.",
	"Help as much as you can.",
	"You are a teacher. A student asks you a question.",
	"Answer the question of the user.",
	"You follow instructions well. Think before you answer.",
	"You work at an information desk.",
}
