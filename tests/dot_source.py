"""DOT source read again, and the graphs that the tests of drawings share."""

import re

from tinytensor import Value

NAME = r'(?:"(?:[^"\\]|\\.)*"|[\w.-]+)'
ATTRIBUTE = re.compile(r'(\w+)=(<<.*?>>(?=[\s\]])|"(?:[^"\\]|\\.)*"|[\w.#-]+)', re.S)


def bare(name):
    return name[1:-1].replace('\\"', '"') if name.startswith('"') else name


def nodes_of(drawing):
    """The attributes of each node of a drawing, by name."""
    found = {}
    for line in drawing.body:
        match = re.match(rf"\s*({NAME}) \[(.*)\]\n$", line, re.S)
        if match and bare(match[1]) not in ("graph", "node", "edge"):
            found[bare(match[1])] = {key: bare(value) for key, value in ATTRIBUTE.findall(match[2])}
    return found


def edges_of(drawing):
    """The pairs (tail, head) of a drawing; an edge that is told the other way round is turned."""
    found = []
    for line in drawing.body:
        match = re.match(rf"\s*({NAME}) -> ({NAME})( \[.*dir=back.*\])?", line)
        if match:
            pair = (bare(match[1]), bare(match[2]))
            found.append(pair[::-1] if match[3] else pair)
    return found


def as_text(label):
    """The words of an HTML label, in order."""
    html = label[1:-1] if label.startswith("<<") else label
    return [word.strip() for word in re.sub(r"<[^<>]*>|&#160;", "\n", html).split("\n") if word.strip()]


def words_of(drawing):
    """The words in each box, in the order of the graph."""
    return {name: as_text(attributes["label"]) for name, attributes in nodes_of(drawing).items()}


def fills_of(drawing):
    """The colour of each box that has a name, by that name."""
    nodes = nodes_of(drawing)
    return {words[0]: nodes[name]["fillcolor"] for name, words in words_of(drawing).items()}


def clusters_of(drawing):
    """The first word of each box by the name of the cluster that it is drawn in; None is outside of all."""
    found, within = {}, [None]
    for line in drawing.body:
        if opened := re.match(rf"\s*(?:subgraph ({NAME}) )?{{", line):
            within.append(bare(opened[1]).removeprefix("cluster_") if opened[1] else within[-1])
        elif line.strip() == "}":
            within.pop()
        elif (node := re.match(r"\s*(\w+) \[label=", line)) and node[1] not in ("graph", "node", "edge"):
            found.setdefault(within[-1], []).append(as_text(dict(ATTRIBUTE.findall(line))["label"].strip('"'))[0])
    return found


def product_plus_constant():
    a, b, c = Value(2.0, label="a"), Value(-3.0, label="b"), Value(10.0, label="c")
    e = a * b
    e.label = "e"
    d = e + c
    d.label = "d"
    return d


def loss():
    f = Value(-2.0, label="f")
    result = product_plus_constant() * f
    result.label = "L"
    result.backward()
    return result


def chain(length):
    value = Value(1.0)
    for _ in range(length):
        value = value + 1.0
    return value
