#!/usr/bin/env python3
"""Fits the weights of an answer's confidence (src/ask/confidence.cc) and says how well they are calibrated.

    fit_confidence.py EVIDENCE...     files of `./dev eval FOLDER --evidence FILE`

Logistic regression by Newton's method with a small ridge, every file with the same total weight. What is printed about
calibration is of questions that were not fitted to: five folds, a question's two lines always in the same one.
"""
import json
import math
import sys

RIDGE = 1.0
FOLDS = 5
NAMES = ["closeness", "coverage", "passage_coverage", "names_found", "fact"]


def solve(matrix, vector):
    """Gaussian elimination with pivoting."""
    size = len(vector)
    rows = [list(matrix[i]) + [vector[i]] for i in range(size)]
    for at in range(size):
        pivot = max(range(at, size), key=lambda row: abs(rows[row][at]))
        rows[at], rows[pivot] = rows[pivot], rows[at]
        for row in range(size):
            if row != at:
                factor = rows[row][at] / rows[at][at]
                rows[row] = [a - factor * b for a, b in zip(rows[row], rows[at])]
    return [rows[i][size] / rows[i][i] for i in range(size)]


def chance(weights, figures):
    total = weights[0] + sum(w * x for w, x in zip(weights[1:], figures))
    return 1 / (1 + math.exp(-max(-30.0, min(30.0, total))))


def fit(examples):
    """`examples` are (figures, answered, weight). The bias is not held back by the ridge."""
    size = len(examples[0][0]) + 1
    weights = [0.0] * size
    for _ in range(50):
        gradient = [-(RIDGE if i else 0) * weights[i] for i in range(size)]
        hessian = [[(RIDGE if i and i == j else 1e-9 if i == j else 0.0) for j in range(size)] for i in range(size)]
        for figures, answered, weight in examples:
            inputs = [1.0] + figures
            p = chance(weights, figures)
            for i in range(size):
                gradient[i] += weight * (answered - p) * inputs[i]
                for j in range(size):
                    hessian[i][j] += weight * p * (1 - p) * inputs[i] * inputs[j]
        step = solve(hessian, gradient)
        weights = [w + s for w, s in zip(weights, step)]
        if max(abs(s) for s in step) < 1e-9:
            break
    return weights


def calibration(told):
    """Brier score, expected calibration error over ten bins, and the bins."""
    bins = [[] for _ in range(10)]
    for p, answered in told:
        bins[min(9, int(p * 10))].append((p, answered))
    brier = sum((p - answered) ** 2 for p, answered in told) / len(told)
    error = sum(abs(sum(p for p, _ in one) - sum(a for _, a in one)) for one in bins) / len(told)
    return brier, error, bins


def read(paths):
    """(figures, answered, weight, question) of all files."""
    examples = []
    for path in paths:
        with open(path, encoding="utf-8") as file:
            lines = [json.loads(line) for line in file]
        examples += [(line["figures"], 1.0 if line["answered"] else 0.0, 400 / len(lines), n // 2)
                     for n, line in enumerate(lines)]
    return examples


def without(examples, names):
    gone = [NAMES.index(name) for name in names]
    return [([0.0 if i in gone else x for i, x in enumerate(figures)], *rest) for figures, *rest in examples]


def report(title, examples):
    told = []
    for fold in range(FOLDS):
        weights = fit([example[:3] for example in examples if example[3] % FOLDS != fold])
        told += [(chance(weights, figures), answered) for figures, answered, _, n in examples if n % FOLDS == fold]
    weights = fit([example[:3] for example in examples])
    print(f"{title}: bias {weights[0]:.2f},", ", ".join(f"{name} {w:.2f}" for name, w in zip(NAMES, weights[1:])))
    brier, error, bins = calibration(told)
    print(f"  {len(told)} answers held out: Brier {brier:.3f}, calibration error {error:.3f}")
    for one in bins:
        if one:
            print(f"  told {sum(p for p, _ in one) / len(one):.2f}, true {sum(a for _, a in one) / len(one):.2f}, "
                  f"{len(one)} answers")


def main(paths):
    examples = read(paths)
    report("with meaning", examples)
    report("words alone", without(examples, ["closeness"]))


if __name__ == "__main__":
    main(sys.argv[1:])
