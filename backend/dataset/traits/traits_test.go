package traits

import "testing"

func TestLanguage(t *testing.T) {
	for text, want := range map[string]string{
		"What is the capital of France, and how large is it?":               "en",
		"Was ist die Hauptstadt von Frankreich und wie groß ist sie?":       "de",
		"Quelle est la capitale de la France et qui est dans le palais ?":   "fr",
		"¿Cuál es la capital de España y qué hay en los museos del centro?": "es",
		"Qual è la capitale della Francia e che cosa sono gli gnocchi?":     "it",
		"Wat is de hoofdstad van het land en hoe groot zijn de huizen?":     "nl",
		"Какая столица России?":                                             "ru", "フランスの首都はどこですか": "ja", "法国的首都是哪里": "zh", "프랑스의 수도는 어디입니까": "ko",
		"x = f(3) + 4": Unknown, "": Unknown, "42": Unknown,
	} {
		if got := Language(text); got != want {
			t.Errorf("%q: %s, want %s", text, got, want)
		}
	}
}

func TestAnswers(t *testing.T) {
	for text, want := range map[string]string{
		" ": Empty, "42": Number, "-3.5 %": Number, "Yes.": YesNo, "(B)": Choice, "I’m sorry, but I can't help with that.": Declined, "As an AI language model, I": Declined,
		"Paris": Short, "1. a\n2. b\n3. c": Listing, "```go\nx\n```": Code, `{"a":1}`: JSON, "I am not sorry.": Short,
	} {
		if got := Answer(text); got != want {
			t.Errorf("%q: %s, want %s", text, got, want)
		}
	}
	for text, want := range map[string]bool{"cafÃ©": true, "it\u00e2\u20ac\u2122s": true, "a\ufffdb": true, "café, Ångström, naïve": false, "plain": false, "a\x00b": true} {
		if got := Damaged(text); got != want {
			t.Errorf("damaged %q: %v", text, got)
		}
	}
	if Words("one  two\nthree") != 3 || Words("") != 0 {
		t.Error("words")
	}
}
