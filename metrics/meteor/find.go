package meteor

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"
)

// Where the word lists usually lie, below the root of the file system or below
// one of NLTK's data folders.
var (
	wordNetFolders = []string{"usr/share/wordnet", "usr/local/share/wordnet", "usr/share/wordnet-3.0/dict", "usr/local/WordNet-3.0/dict"}
	nltkFolders    = []string{"usr/share/nltk_data", "usr/local/share/nltk_data", "usr/lib/nltk_data", "usr/local/lib/nltk_data"}
)

// ErrNotFound says that a word list is not on the machine; METEOR is absent then.
var ErrNotFound = errors.New("not found on this machine")

// Find looks for WordNet 3.0 and the English Punkt parameters and reads them.
// root is the root of the file system (os.DirFS("/")); nltk names more of NLTK's
// data folders to look in, such as the value of NLTK_DATA and nltk_data in the
// user's home, and folders that hold one of the two lists themselves. An error
// wraps ErrNotFound and says what is missing and how to get it.
func Find(root fs.FS, nltk ...string) (*English, error) {
	var wordNet, punkt []string
	for _, dir := range nltk {
		if dir = strings.Trim(path.Clean(strings.ReplaceAll(dir, `\`, "/")), "/"); dir != "" && dir != "." {
			wordNet = append(wordNet, dir, dir+"/corpora/wordnet")
			punkt = append(punkt, dir, dir+"/tokenizers/punkt_tab/english")
		}
	}
	wordNet = append(wordNet, wordNetFolders...)
	for _, dir := range nltkFolders {
		wordNet = append(wordNet, dir+"/corpora/wordnet")
		punkt = append(punkt, dir+"/tokenizers/punkt_tab/english")
	}
	e := &English{}
	var err error
	if e.WordNet, err = load(root, wordNet, "index.noun", LoadWordNet); err != nil {
		return nil, fmt.Errorf("METEOR needs WordNet 3.0 (Debian's package wordnet-base): %w", err)
	}
	if e.Punkt, err = load(root, punkt, "abbrev_types.txt", LoadPunkt); err != nil {
		return nil, fmt.Errorf("METEOR needs the English Punkt parameters (NLTK's data package punkt_tab): %w", err)
	}
	return e, nil
}

// load reads from the first of the folders that has the file.
func load[T any](root fs.FS, dirs []string, file string, read func(fs.FS) (T, error)) (T, error) {
	var none T
	for _, dir := range dirs {
		if !fs.ValidPath(dir) {
			continue
		}
		if info, err := fs.Stat(root, dir+"/"+file); err != nil || info.IsDir() {
			continue
		}
		sub, err := fs.Sub(root, dir)
		if err != nil {
			return none, err
		}
		v, err := read(sub)
		if err != nil {
			return none, fmt.Errorf("in /%s: %w", dir, err)
		}
		return v, nil
	}
	return none, ErrNotFound
}
