package evaluation

import (
	"bufio"
	"context"
	"fmt"

	"tunebench/backend/chat"
)

// pageVoter is what people, or one judge, have voted on the answers of a run.
type pageVoter struct {
	Who  string
	Rows []pageVotes
	// Agree is how far a judge agrees with people, in words; "" for people.
	Agree string
}

// pageVotes is one model against the baseline.
type pageVotes struct {
	Model             string
	Won, Lost, Tied   int
	Share, P, Verdict string
}

// votesOn are the votes on the answers of a run against its first model; none
// where nobody has voted.
func (s *Service) votesOn(ctx context.Context, run Run) ([]pageVoter, error) {
	if len(run.Models) == 0 {
		return nil, nil
	}
	voters, err := s.cfg.Chat.RunVoters(ctx, run.ID, run.Models[0].Model)
	if err != nil {
		return nil, err
	}
	var list []pageVoter
	for _, v := range voters {
		p := pageVoter{Who: chat.People}
		if v.Judge != "" {
			p.Who, p.Agree = "the judge "+v.Judge, "has judged nothing on which people have voted"
			if v.Form != "" {
				p.Who += ", asked by prompt " + v.Form
			}
			if a := v.People; a != nil {
				p.Agree = fmt.Sprintf("agrees with people on %d of %d pairs: %.3f (%.3f to %.3f)", a.Same, a.N, a.Share, a.Interval.Low, a.Interval.High)
				if a.Kappa != nil {
					p.Agree += fmt.Sprintf(", Cohen's kappa %.2f", *a.Kappa)
				}
			}
		}
		for _, r := range v.Models {
			if a := r.Against; a != nil {
				row := pageVotes{Model: r.Model, Won: a.Wins, Lost: a.Losses, Tied: a.Ties, Verdict: "not sure"}
				if a.Wins+a.Losses > 0 {
					row.Share, row.P = fmt.Sprintf("%.3f (%.3f to %.3f)", a.Share, a.Interval.Low, a.Interval.High), fmt.Sprintf("%.2g", a.PValue)
				}
				if a.PValue < 0.05 {
					row.Verdict = "real"
				}
				p.Rows = append(p.Rows, row)
			}
		}
		if len(p.Rows) > 0 {
			list = append(list, p)
		}
	}
	return list, nil
}

// writeVotes adds the votes on a run to a Markdown page.
func (s *Service) writeVotes(ctx context.Context, w *bufio.Writer, run Run) error {
	list, err := s.votesOn(ctx, run)
	if err != nil || len(list) == 0 {
		return err
	}
	fmt.Fprintf(w, "\nVotes against %s; the share is of the votes with a winner:\n\n| by | model | won | lost | ties | share won | p | |\n|---|---|---:|---:|---:|---|---:|---|\n", cell(run.Models[0].Model))
	for _, v := range list {
		for _, r := range v.Rows {
			fmt.Fprintf(w, "| %s | %s | %d | %d | %d | %s | %s | %s |\n", cell(v.Who), cell(r.Model), r.Won, r.Lost, r.Tied, r.Share, r.P, r.Verdict)
		}
	}
	for _, v := range list {
		if v.Agree != "" {
			fmt.Fprintf(w, "\n%s %s.\n", cell(v.Who), cell(v.Agree))
		}
	}
	return nil
}
