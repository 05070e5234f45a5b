# itertools, beside what is native.


class chain:
    def __new__(cls, *iterables):
        return _chain(iterables)

    @classmethod
    def from_iterable(cls, iterables):
        return _chain(iterables)


def product(*iterables, repeat=1):
    pools = [tuple(x) for x in iterables] * repeat

    def walk(k, head):
        if k == len(pools):
            yield head
        else:
            for x in pools[k]:
                yield from walk(k + 1, head + (x,))
    return walk(0, ())


def _choose(pool, r, start):
    if r == 0:
        yield ()
    else:
        for k in range(start, len(pool) - r + 1):
            for rest in _choose(pool, r - 1, k + 1):
                yield (pool[k],) + rest


def combinations(iterable, r):
    return _choose(tuple(iterable), r, 0)


def _choose_again(pool, r, start):
    if r == 0:
        yield ()
    else:
        for k in range(start, len(pool)):
            for rest in _choose_again(pool, r - 1, k):
                yield (pool[k],) + rest


def combinations_with_replacement(iterable, r):
    return _choose_again(tuple(iterable), r, 0)


def _arrange(pool, left, r):
    if r == 0:
        yield ()
    else:
        for k in left:
            for rest in _arrange(pool, [j for j in left if j != k], r - 1):
                yield (pool[k],) + rest


def permutations(iterable, r=None):
    pool = tuple(iterable)
    r = len(pool) if r is None else r
    return iter(()) if r > len(pool) else _arrange(pool, list(range(len(pool))), r)


def _slice(iterable, start, stop, step):
    if stop is not None and stop <= 0:
        return
    wanted = start
    for k, x in enumerate(iterable):
        if stop is not None and k >= stop:
            return
        if k == wanted:
            yield x
            wanted += step
        if stop is not None and k + 1 >= stop:
            return


def islice(iterable, *args):
    s = slice(*args)
    return _slice(iterable, s.start or 0, s.stop, s.step or 1)


def accumulate(iterable, func=None, *, initial=None):
    it = iter(iterable)
    if initial is None:
        for initial in it:
            break
        else:
            return
    total = initial
    yield total
    for x in it:
        total = total + x if func is None else func(total, x)
        yield total


def zip_longest(*iterables, fillvalue=None):
    iterators = [iter(x) for x in iterables]
    end = object()
    alive = list(iterators)
    while True:
        row = [next(it, end) for it in iterators]
        if all(x is end for x in row):
            return
        yield tuple([fillvalue if x is end else x for x in row])


def takewhile(predicate, iterable):
    for x in iterable:
        if not predicate(x):
            return
        yield x


def dropwhile(predicate, iterable):
    it = iter(iterable)
    for x in it:
        if not predicate(x):
            yield x
            break
    for x in it:
        yield x


def filterfalse(predicate, iterable):
    for x in iterable:
        if not (x if predicate is None else predicate(x)):
            yield x


def compress(data, selectors):
    for x, keep in zip(data, selectors):
        if keep:
            yield x


def starmap(function, iterable):
    for x in iterable:
        yield function(*x)


def pairwise(iterable):
    it = iter(iterable)
    for last in it:
        break
    else:
        return
    for x in it:
        yield last, x
        last = x


def batched(iterable, n):
    it = iter(iterable)
    while True:
        batch = tuple(islice(it, n))
        if not batch:
            return
        yield batch


def groupby(iterable, key=None):
    # Each group is complete when it is given out: whoever keeps one keeps its items.
    group = []
    for x in iterable:
        k = x if key is None else key(x)
        if group and k != current:
            yield current, iter(group)
            group = []
        current = k
        group.append(x)
    if group:
        yield current, iter(group)


def tee(iterable, n=2):
    items = list(iterable)
    return tuple([iter(items) for _ in range(n)])
