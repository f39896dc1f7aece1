package dataset

// IsRowsFile says whether a file of that name is one of those that make up a
// folder of rows.
func IsRowsFile(name string) bool { return isRowsFile(name) }
