// Command peers writes the files that .ci/peers.sh measures on: the same rows as
// JSON Lines, as CSV with line feeds in quotes, and as Parquet nearly the
// layout that pandas writes (one row group, pages of version 1, Snappy; the page
// index that the library adds is not used by tunebench). The same arguments give
// the same bytes.
//
//	peers FOLDER MEGABYTES
package main

import (
	"bufio"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/parquet-go/parquet-go"
)

type row struct {
	ID       string `json:"id" parquet:"id,optional"`
	System   string `json:"system_prompt" parquet:"system_prompt,optional,dict"`
	Question string `json:"question" parquet:"question,optional"`
	Response string `json:"response" parquet:"response,optional"`
}

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: peers FOLDER MEGABYTES")
		os.Exit(2)
	}
	mb, err := strconv.Atoi(os.Args[2])
	if err == nil {
		err = write(os.Args[1], mb)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "peers:", err)
		os.Exit(1)
	}
}

func write(dir string, mb int) (err error) {
	var out [3]*bufio.Writer
	for i, name := range []string{"rows.jsonl", "rows.csv", "rows.parquet"} {
		f, err := os.Create(filepath.Join(dir, name))
		if err != nil {
			return err
		}
		defer f.Close() // what matters is flushed before
		out[i] = bufio.NewWriterSize(f, 1<<20)
	}
	lines := json.NewEncoder(out[0])
	lines.SetEscapeHTML(false)
	table := csv.NewWriter(out[1])
	columns := parquet.NewGenericWriter[row](out[2], parquet.DataPageVersion(1), parquet.Compression(&parquet.Snappy), parquet.PageBufferSize(1<<20),
		parquet.MaxRowsPerRowGroup(64<<20), parquet.DefaultEncodingFor(parquet.ByteArray, &parquet.Plain))
	if err := table.Write([]string{"id", "system_prompt", "question", "response"}); err != nil {
		return err
	}
	rng := rand.New(rand.NewPCG(1, 2))
	words := vocabulary(rng)
	size := 0
	var before row
	for i := 0; size < mb*1_000_000; i++ {
		r := row{ID: fmt.Sprint([]string{"niv", "flan", "cot", "t0"}[rng.IntN(4)], ".", i), System: "You are an AI assistant. Think step by step."}
		r.Question, r.Response = text(rng, words, 30+int(rng.ExpFloat64()*130)), text(rng, words, 30+int(rng.ExpFloat64()*150))
		if i%50_000 == 77 {
			r.Response += "zqneedle"
		}
		switch i % 1000 { // a row in a thousand is repeated, and one nearly
		case 500:
			r.Question, r.Response = before.Question, before.Response
		case 900:
			r.Question, r.Response = before.Question, before.Response+"and so on"
		}
		before = r
		size += 90 + len(r.ID) + len(r.System) + len(r.Question) + len(r.Response)
		_, perr := columns.Write([]row{r})
		if err := errors.Join(lines.Encode(r), table.Write([]string{r.ID, r.System, r.Question, r.Response}), perr); err != nil {
			return err
		}
	}
	table.Flush()
	err = errors.Join(table.Error(), columns.Close())
	for _, w := range out {
		err = errors.Join(err, w.Flush())
	}
	return err
}

func vocabulary(rng *rand.Rand) []string {
	syllables := []string{"ta", "ner", "is", "mo", "del", "con", "qua", "ti", "on", "ness", "re", "pa", "li", "sto", "in", "er"}
	words := make([]string, 4000)
	for i := range words {
		for range 1 + rng.IntN(3) {
			words[i] += syllables[rng.IntN(len(syllables))]
		}
	}
	return words
}

func text(rng *rand.Rand, words []string, n int) string {
	var b strings.Builder
	for range n {
		b.WriteString(words[int(rng.ExpFloat64()*400)%len(words)])
		switch rng.IntN(40) {
		case 0:
			b.WriteString(".\n\n")
		case 1:
			b.WriteString(`, "so" `)
		default:
			b.WriteByte(' ')
		}
	}
	return b.String()
}
