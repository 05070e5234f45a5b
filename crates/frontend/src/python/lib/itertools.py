# itertools, in terms of lists where the original is lazy but finite.


class chain:
    def __new__(cls, *iterables):
        return _chain(*iterables)

    @classmethod
    def from_iterable(cls, iterables):
        return _chain(*iterables)


def product(*iterables, repeat=1):
    pools = [list(x) for x in iterables] * repeat
    out = [()]
    for pool in pools:
        out = [x + (y,) for x in out for y in pool]
    return iter(out)


def combinations(iterable, r):
    pool = list(iterable)

    def rec(start, r):
        if r == 0:
            return [()]
        return [(pool[k],) + rest for k in range(start, len(pool)) for rest in rec(k + 1, r - 1)]
    return iter(rec(0, r))


def permutations(iterable, r=None):
    pool = list(iterable)

    def rec(left, r):
        if r == 0:
            return [()]
        return [(pool[k],) + rest for k in left for rest in rec([j for j in left if j != k], r - 1)]
    return iter(rec(list(range(len(pool))), len(pool) if r is None else r))


def islice(iterable, *args):
    s = slice(*args)
    start, stop, step = s.start or 0, s.stop, s.step or 1
    out = []
    for k, x in enumerate(iterable):
        if stop is not None and k >= stop:
            break
        if k >= start and (k - start) % step == 0:
            out.append(x)
        if stop is not None and k + 1 >= stop:
            break
    return iter(out)


def accumulate(iterable, func=None, initial=None):
    out = []
    total = initial
    if initial is not None:
        out.append(initial)
    for x in iterable:
        total = x if total is None else (total + x if func is None else func(total, x))
        out.append(total)
    return iter(out)


def zip_longest(*iterables, fillvalue=None):
    lists = [list(x) for x in iterables]
    n = max(len(x) for x in lists) if lists else 0
    return iter([tuple(x[k] if k < len(x) else fillvalue for x in lists) for k in range(n)])


def takewhile(predicate, iterable):
    out = []
    for x in iterable:
        if not predicate(x):
            break
        out.append(x)
    return iter(out)


def dropwhile(predicate, iterable):
    out = []
    dropping = True
    for x in iterable:
        dropping = dropping and predicate(x)
        if not dropping:
            out.append(x)
    return iter(out)


def starmap(function, iterable):
    return iter([function(*x) for x in iterable])


def pairwise(iterable):
    items = list(iterable)
    return zip(items, items[1:])


def groupby(iterable, key=None):
    out = []
    for x in iterable:
        k = x if key is None else key(x)
        if out and out[-1][0] == k:
            out[-1][1].append(x)
        else:
            out.append((k, [x]))
    return iter(out)


def tee(iterable, n=2):
    items = list(iterable)
    return tuple(iter(items) for _ in range(n))
