"""Writes what independent implementations compute, one JSON object a line, for the
Go test TestPeers to compare with: rouge-score, NLTK, jiwer, scikit-learn, numpy and
Python itself. Usage: peers.py WORDNET_DIR PUNKT_DIR >values.jsonl ('-' for a folder
that could not be had). With --speed it prints rows per second instead.
"""
import json
import os
import random
import re
import sys
import tempfile
import time
import unicodedata

import jiwer
import numpy as np
from nltk.stem.porter import PorterStemmer
from rouge_score import rouge_scorer
from sklearn import metrics as sk

rng = random.Random(20261125)
WORDS = ("the a an bank Bank's banks company companies announced announcing studies study relational conditional hopping "
         "1,000 3.5 $5 U.S. Dr. Mr. p.m. a.m. can't cannot gonna wanna don't I'll we've 'tis it's naïve café straße İstanbul Σίσυφος "
         "happy happily car automobile big large buy purchase quickly fast kid child children men man mice mouse running ran "
         "\"quoted\" 'single' (paren) [b] -- ... . ? ! ; : , & % * « » “ ” ‘ ’ first-rate e.g. i.e. No. 5 Aug. etc. she's they'd").split()
SEPARATORS = [" "] * 30 + ["  ", "\n", "\t", "\u00a0", ". ", "! ", "? ", ".\n\n", " - "]


def text(n):
    return "".join(rng.choice(WORDS) + rng.choice(SEPARATORS) for _ in range(n))


def emit(kind, **values):
    print(json.dumps({"kind": kind, **values}))


def disturbed(s):
    words = s.split(" ")
    for _ in range(max(1, len(words) // 4)):
        i = rng.randrange(len(words))
        words[i:i + 1] = rng.choice([[], [rng.choice(WORDS)], [words[i], words[i]]])
        if not words:
            words = ["x"]
    return " ".join(words)


def tokenizer(punkt_dir):
    from nltk.tokenize.destructive import NLTKWordTokenizer
    from nltk.tokenize.punkt import PunktSentenceTokenizer, load_punkt_params
    sentences = PunktSentenceTokenizer()
    sentences._params = load_punkt_params(punkt_dir)
    words = NLTKWordTokenizer()
    return lambda s: [w for sentence in sentences.tokenize(s) for w in words.tokenize(sentence)]


def meteor(wordnet_dir, tokenize):
    from nltk.corpus.reader.wordnet import WordNetCorpusReader
    from nltk.translate.meteor_score import single_meteor_score
    # NLTK wants a file that Debian's package leaves out; METEOR does not look at it.
    folder = tempfile.mkdtemp()
    for name in os.listdir(wordnet_dir):
        os.symlink(os.path.join(wordnet_dir, name), os.path.join(folder, name))
    with open(os.path.join(folder, "lexnames"), "w") as f:
        f.writelines(f"{i:02d}\tname{i}\t1\n" for i in range(45))
    # Nor does it need the map between versions, which takes a second WordNet.
    reader = type("Reader", (WordNetCorpusReader,), {"map_wn": lambda self, version=None: None})(folder, None)
    return lambda target, output: single_meteor_score(tokenize(target), tokenize(output), wordnet=reader)


def speed(name, f, pairs):
    for target, output in pairs[:50]:
        f(target, output)
    n, start = 0, time.perf_counter()
    while time.perf_counter() - start < 2:
        f(*pairs[n % len(pairs)])
        n += 1
    print(f"{name}: {n / (time.perf_counter() - start):.0f} rows/s")


def main():
    wordnet_dir, punkt_dir = sys.argv[1:3]
    stemmer = PorterStemmer()
    rouge = {stem: rouge_scorer.RougeScorer(["rouge1", "rouge2", "rougeL"], use_stemmer=stem) for stem in (True, False)}
    tokenize = tokenizer(punkt_dir) if punkt_dir != "-" else None
    score = meteor(wordnet_dir, tokenize) if tokenize and wordnet_dir != "-" else None

    if "--speed" in sys.argv:
        pairs = [(text(10), text(40)) for _ in range(500)]
        rouge2 = rouge_scorer.RougeScorer(["rouge2"], use_stemmer=True)
        speed("rouge-score, ROUGE-2 with stemmer", rouge2.score, pairs)
        speed("NLTK, Porter stemmer (50 words a row)", lambda t, o: [stemmer.stem(w) for w in (t + o).split()], pairs)
        speed("jiwer, word error rate", lambda t, o: jiwer.process_words(t, o), pairs)
        if score:
            speed("NLTK, METEOR", score, pairs)
        return

    for _ in range(400):
        target = text(rng.randrange(30))
        output = disturbed(target) if rng.random() < 0.7 else text(rng.randrange(40))
        for stem in (True, False):
            values = {k: v.fmeasure for k, v in rouge[stem].score(target, output).items()}
            emit("rouge", target=target, output=output, stem=stem, values=values)
        if tokenize:
            emit("tokens", text=target, tokens=tokenize(target))
        if score:
            emit("meteor", target=target, output=output, value=score(target, output))
        # FMEval's transform of both texts, then the distance by jiwer.
        clean = [" ".join(w for w in re.sub(r"\s\s+", " ", s).strip().split(" ") if w) for s in (target, output)]
        if clean[0] and not re.search(r"[^\S ]", "".join(clean)):
            emit("wer", target=target, output=output, value=jiwer.process_words(*clean).wer)
    for w in sorted({w for _ in range(3000) for w in re.findall(r"\w+", text(1))}):
        for suffix in ("", "ing", "ed", "ational", "fulness", "ization", "ies", "y", "ll", "s"):
            emit("stem", word=w + suffix, stem=stemmer.stem(w + suffix))
    for _ in range(60):
        labels = rng.sample(["yes", "no", "maybe", "2", "unknown", "ß"], rng.randrange(1, 6))
        truth = [rng.choice(labels) for _ in range(rng.randrange(1, 60))]
        given = [t if rng.random() < 0.5 else rng.choice(labels) for t in truth]
        for average in ("micro", "macro", "weighted"):
            values = [sk.accuracy_score(truth, given), sk.balanced_accuracy_score(truth, given),
                      sk.precision_score(truth, given, average=average, zero_division=0),
                      sk.recall_score(truth, given, average=average, zero_division=0)]
            emit("classes", truth=truth, given=given, average=average, values=[float(v) for v in values])
    for seed in (0, 1, 5, 1234, 2**32 + 7):
        g = np.random.default_rng(seed)
        emit("numpy", seed=seed, floats=[float(g.random()) for _ in range(4)], ints=[int(g.integers(n)) for n in range(1, 40)],
             chosen=[int(v) for v in g.choice(range(50), 12, False)], tail=[int(v) for v in g.choice(range(11000), 300, False)])
    for count, seed in ((7, 1234), (1000, 1234), (4097, 99)):
        emit("sample", count=count, seed=seed, rows=[int(v) for v in np.random.RandomState(seed).permutation(count)])
    for _ in range(300):
        value = json_value(3)
        emit("json", source=json.dumps(value, ensure_ascii=rng.random() < 0.5), str=str(value), dumps=json.dumps(value))
    known = [c for c in map(chr, range(0x110000)) if unicodedata.category(c) not in ("Cn", "Cs", "Co")]
    emit("case", changed={c: [c.lower(), c.upper()] for c in known if c.lower() != c or c.upper() != c},
         space="".join(c for c in known if c.isspace()))


def json_value(depth):
    kind = rng.randrange(8 if depth else 6)
    if kind == 0:
        return rng.choice([None, True, False])
    if kind == 1:
        return rng.choice([0, -1, 7, 10**rng.randrange(25)])
    if kind == 2:
        return rng.choice([0.0, -0.0, 1.0, 0.1]) + rng.choice([0, rng.random() * 10.0 ** rng.randrange(-20, 20)])
    if kind < 6:
        return rng.choice(["", "'", '"', "'\"", "\\", "\n\t\r\x00\x1b\x7f", "é\u200b\u2028\ue000😀", text(3)])
    if kind == 6:
        return [json_value(depth - 1) for _ in range(rng.randrange(4))]
    return {rng.choice(["a", "b", "é", "'"]): json_value(depth - 1) for _ in range(rng.randrange(4))}


main()
