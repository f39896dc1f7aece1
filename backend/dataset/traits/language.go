package traits

import (
	"strings"
	"unicode"
)

// Unknown is the language of a text that is too short or holds too few words.
const Unknown = "unknown"

// languageBytes bounds how much of a text is looked at.
const languageBytes = 600

// frequent lists the words that tell European languages apart.
var frequent = map[string]string{
	"en": "the of and to in is that it for was with as are be this by not you which have from they what how were their has or an at can",
	"de": "der die und das ist nicht ein eine zu den mit von dem sich auf für als auch es wird sie im werden oder aus bei wie nach einen",
	"fr": "le la les des est et une un que pour dans qui sur pas plus avec ce il au par sont du cette ou elle nous vous ne être aux",
	"es": "el los las una que por con para es del se como más pero su sus está fue este esta lo son entre también hay y muy qué",
	"it": "il che di non per una è sono con della gli nel alla dei come più anche questo le lo si ha delle ma nella essere",
	"pt": "não uma que os para com em por mais dos como foi das ao são tem seu sua ou pelo também está você isso na no ele",
	"nl": "de het een van en dat niet zijn op te voor met is er maar ook aan naar wordt bij worden deze als om uit kan",
	"pl": "się nie na jest do że jak co to przez dla od po czy tak ale są był być które który oraz może tego",
	"sv": "och att det som en är av för på med den till inte har om ett men var jag de från kan eller vid",
	"da": "og at det er en af til på med for den de ikke der som har et var fra men kan jeg eller ved blev",
	"tr": "ve bir bu için ile olarak da de çok daha ne olan gibi en ama var kadar sonra olduğu her değil",
	"id": "yang dan di dengan untuk dari ini itu pada adalah tidak dalam akan ke atau juga oleh sebagai bisa ada",
	"ro": "și în de la cu nu este pe care un o să din mai pentru sunt au fi ce prin",
	"vi": "và của là có không được cho các một trong những với này đã người để khi từ",
	"fi": "ja on ei että se hän oli mutta ovat kun niin myös tai sen joka ole mitä",
	"cs": "je se na že to jsou jako ale by pro který které není jeho jsem bylo také nebo když",
	"hu": "a az és hogy nem egy is van meg ez csak de volt mint ha már még azt",
}

var wordLanguages = func() map[string][]uint8 {
	m := map[string][]uint8{}
	for i, lang := range latin {
		for _, w := range strings.Fields(frequent[lang]) {
			m[w] = append(m[w], uint8(i))
		}
	}
	return m
}()

// latin lists the languages of frequent, English first.
var latin = []string{"en", "de", "fr", "es", "it", "pt", "nl", "pl", "sv", "da", "tr", "id", "ro", "vi", "fi", "cs", "hu"}

var scripts = []struct {
	table *unicode.RangeTable
	lang  string
}{
	{unicode.Hiragana, "ja"}, {unicode.Katakana, "ja"}, {unicode.Hangul, "ko"}, {unicode.Han, "zh"}, {unicode.Cyrillic, "ru"}, {unicode.Arabic, "ar"},
	{unicode.Hebrew, "he"}, {unicode.Greek, "el"}, {unicode.Devanagari, "hi"}, {unicode.Thai, "th"}, {unicode.Bengali, "bn"}, {unicode.Tamil, "ta"},
	{unicode.Telugu, "te"}, {unicode.Gujarati, "gu"}, {unicode.Georgian, "ka"}, {unicode.Armenian, "hy"},
}

// Language guesses the language of a text, as an ISO 639-1 code, by its script
// and its most frequent words; Unknown when there is too little to go by. Code,
// formulas and single words are unknown.
func Language(s string) string {
	if len(s) > languageBytes {
		s = s[:languageBytes]
	}
	var (
		votes   [32]int
		foreign [16]int
		latins  int
		others  int
		word    [24]byte
		n       int
		words   int
	)
	end := func() {
		if n > 0 && n < len(word) {
			for _, l := range wordLanguages[string(word[:n])] {
				votes[l]++
			}
			words++
		}
		n = 0
	}
	for _, r := range s {
		switch {
		case r < 0x80 && (r|0x20 < 'a' || r|0x20 > 'z'):
			end()
			continue
		case r < 0x80:
			latins++
			r |= 0x20
		case r < 0x250 || r >= 0x1e00 && r < 0x1f00:
			if !unicode.IsLetter(r) {
				end()
				continue
			}
			latins++
			r = unicode.ToLower(r)
		default:
			end()
			for i := range scripts {
				if unicode.Is(scripts[i].table, r) {
					foreign[i]++
					others++
					break
				}
			}
			continue
		}
		if n+4 < len(word) {
			n += copy(word[n:], string(r))
		} else {
			n = len(word) // too long to be a frequent word
		}
	}
	end()
	if others > 3 && others*2 > latins {
		if foreign[0]+foreign[1] > 2 { // kana beside Han is Japanese
			return "ja"
		}
		best := 0
		for i := range foreign {
			if foreign[i] > foreign[best] {
				best = i
			}
		}
		return scripts[best].lang
	}
	best := 0
	for i := range latin {
		if votes[i] > votes[best] {
			best = i
		}
	}
	if votes[best] < 2 && words > 3 || votes[best]*12 < words || votes[best] == 0 {
		return Unknown
	}
	return latin[best]
}
