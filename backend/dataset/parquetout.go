package dataset

import (
	"fmt"
	"io"

	"github.com/parquet-go/parquet-go"
)

// Formats that Prepare writes.
const (
	AsJSONL   = "jsonl"
	AsParquet = "parquet"
)

// checkAs is the format that a name means; "" is JSON Lines.
func checkAs(as string) (string, error) {
	switch as {
	case "", AsJSONL:
		return AsJSONL, nil
	case AsParquet:
		return AsParquet, nil
	}
	return "", fmt.Errorf("splits are written as %s or %s, not as %q", AsJSONL, AsParquet, as)
}

// writtenRow is a row as appendRow writes it.
type writtenRow struct {
	ID       string `parquet:"id"`
	System   string `parquet:"system_prompt,dict"`
	Question string `parquet:"question"`
	Response string `parquet:"response"`
}

type writtenCategoryRow struct {
	writtenRow
	Category *string `parquet:"category,optional,dict"`
}

const (
	// rowGroup bounds what a writer holds: some 30 MB of OpenOrca's rows.
	rowGroup = 16_384
	// pageBytes is how much text is unpacked to read one row of a column.
	pageBytes = 1 << 20
)

// parquetRows writes the lines that appendRow makes as rows of a Parquet file.
type parquetRows struct {
	parser objectParser
	rows   []writtenCategoryRow
	few    []writtenRow
	plain  *parquet.GenericWriter[writtenRow] // when no row has a category
	full   *parquet.GenericWriter[writtenCategoryRow]
}

// newParquetRows writes to w; every value but the category is in every row.
func newParquetRows(w io.Writer, category bool) *parquetRows {
	o := []parquet.WriterOption{
		parquet.Compression(&parquet.Snappy), parquet.DataPageVersion(1), parquet.PageBufferSize(pageBytes), parquet.MaxRowsPerRowGroup(rowGroup),
		parquet.DefaultEncodingFor(parquet.ByteArray, &parquet.Plain),
		parquet.CreatedBy("tunebench", "1", "0"), // and not the build's, so that every build writes the same bytes
	}
	if category {
		return &parquetRows{full: parquet.NewGenericWriter[writtenCategoryRow](w, o...), rows: make([]writtenCategoryRow, 1)}
	}
	return &parquetRows{plain: parquet.NewGenericWriter[writtenRow](w, o...), few: make([]writtenRow, 1)}
}

func (p *parquetRows) add(line []byte) error {
	fields, err := p.parser.parse(line[:len(line)-1])
	if err != nil {
		return fmt.Errorf("a row that was just made cannot be read: %w", err)
	}
	var r writtenCategoryRow
	for _, f := range fields {
		switch f.name {
		case "id":
			r.ID = f.value
		case "system_prompt":
			r.System = f.value
		case "question":
			r.Question = f.value
		case "response":
			r.Response = f.value
		case "category":
			r.Category = &f.value
		}
	}
	if p.plain != nil {
		p.few[0] = r.writtenRow
		_, err = p.plain.Write(p.few)
		return err
	}
	p.rows[0] = r
	_, err = p.full.Write(p.rows)
	return err
}

// Close writes the rows that are held and the footer.
func (p *parquetRows) Close() error {
	var c io.Closer = p.full
	if p.plain != nil {
		c = p.plain
	}
	return c.Close()
}
