"""All pairs: a list of cells in which each two values of two dimensions meet at least once.

Greedy, from a seed: a cell starts with a pair that is not covered yet; each further dimension takes
the value that covers the most open pairs with those chosen, the first of a shuffled list if several
do. A pair that no permitted cell can hold is left out.
"""

import itertools
import random

TRIES = 8  # cells that compete for a place; more makes the list a little shorter


def all_pairs(dimensions, is_permitted, seed):
    """dimensions: {name: values}. is_permitted(cell), given a cell with some dimensions only, says
    whether a permitted cell can grow out of it."""
    chance = random.Random(seed)
    names = list(dimensions)
    # A dict is a set that keeps its order, so that the seed decides alone.
    open_pairs = dict.fromkeys(
        frozenset({(a, value_a), (b, value_b)})
        for a, b in itertools.combinations(names, 2)
        for value_a in dimensions[a] for value_b in dimensions[b]
        if is_permitted({a: value_a, b: value_b}))
    cells = []
    while open_pairs:
        start = dict(next(iter(open_pairs)))
        grown = [_grow(start, dimensions, is_permitted, open_pairs, chance) for _ in range(TRIES)]
        grown = [cell for cell in grown if cell]
        if not grown:
            del open_pairs[next(iter(open_pairs))]
            continue
        best = max(grown, key=lambda cell: _covered(cell, open_pairs))
        for pair in _pairs(best):
            open_pairs.pop(pair, None)
        cells.append(best)
    return cells


def _grow(start, dimensions, is_permitted, open_pairs, chance):
    cell = dict(start)
    rest = [name for name in dimensions if name not in cell]
    chance.shuffle(rest)
    for name in rest:
        values = list(dimensions[name])
        chance.shuffle(values)
        values = [value for value in values if is_permitted(cell | {name: value})]
        if not values:
            return None
        cell[name] = max(values, key=lambda value: sum(
            frozenset({(name, value), item}) in open_pairs for item in cell.items()))
    return {name: cell[name] for name in dimensions}


def _pairs(cell):
    return (frozenset(pair) for pair in itertools.combinations(cell.items(), 2))


def _covered(cell, open_pairs):
    return sum(pair in open_pairs for pair in _pairs(cell))
