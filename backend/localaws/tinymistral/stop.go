package tinymistral

import "strings"

// stopper watches a stream of text for stop sequences. Text that may be the
// beginning of one is held back until it is known not to be.
type stopper struct {
	stops []string
	held  string
}

func newStopper(stops []string) stopper {
	var s stopper
	for _, v := range stops {
		if v != "" {
			s.stops = append(s.stops, v)
		}
	}
	return s
}

// push adds text and returns what may be shown, and the stop sequence that was
// met, if any. After a hit nothing more is shown.
func (s *stopper) push(text string) (show, hit string) {
	if len(s.stops) == 0 {
		return text, ""
	}
	all := s.held + text
	at := -1
	for _, stop := range s.stops {
		i := strings.Index(all, stop)
		if i >= 0 && (at < 0 || i < at || i == at && len(stop) > len(hit)) {
			at, hit = i, stop
		}
	}
	if at >= 0 {
		s.held = ""
		return all[:at], hit
	}
	keep := 0
	for _, stop := range s.stops {
		for n := min(len(stop)-1, len(all)); n > keep; n-- {
			if strings.HasSuffix(all, stop[:n]) {
				keep = n
				break
			}
		}
	}
	s.held = all[len(all)-keep:]
	return all[:len(all)-keep], ""
}

// rest returns what was held back, once no more text can come.
func (s *stopper) rest() string {
	held := s.held
	s.held = ""
	return held
}
