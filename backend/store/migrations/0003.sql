-- What a person thinks of a row of a dataset: 'wrong' (its reference is) or
-- 'ambiguous'. row is the row's index in the dataset with that hash.
CREATE TABLE marks (
    dataset_sha256 TEXT NOT NULL,
    row            INTEGER NOT NULL,
    mark           TEXT NOT NULL,
    created        INTEGER NOT NULL,
    PRIMARY KEY (dataset_sha256, row)
);
