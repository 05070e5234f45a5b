# Modules that a network may import and gains nothing from; `module_name` is what the module gives as `name`.


def _nothing(*args, **kwargs):
    return None


class _Quiet:
    def __init__(self, *args, **kwargs):
        pass

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        return False

    def __call__(self, function):
        return function

    def __getattr__(self, name):
        return _nothing


def _refused(name):
    def refuse(*args, **kwargs):
        _refuse(name)
    return refuse


class _Environ(dict):
    pass


os_environ = _Environ()
os_name = 'posix'
os_sep = '/'


def os_getenv(key, default=None):
    return default


def os_cpu_count():
    return 1


def os_getcwd():
    return '.'


def os_path_join(*parts):
    return '/'.join(parts)


def os_path_exists(path):
    return False


os_path_isfile = os_path_exists
os_path_isdir = os_path_exists


def os_path_dirname(path):
    return path.rpartition('/')[0]


def os_path_basename(path):
    return path.rpartition('/')[2]


def os_path_abspath(path):
    return path


os_makedirs = _refused('os.makedirs')
os_listdir = _refused('os.listdir')
os_remove = _refused('os.remove')
os_system = _refused('os.system')
sys_version_info = (3, 11, 0)
sys_version = '3.11.0'
sys_platform = 'linux'
sys_maxsize = 9223372036854775807
sys_path = []
sys_argv = ['']
sys_modules = {}
sys_stdout = _Quiet()
sys_stderr = _Quiet()


def sys_exit(*args):
    raise SystemExit(*args)


warnings_warn = _nothing
warnings_filterwarnings = _nothing
warnings_simplefilter = _nothing
warnings_catch_warnings = _Quiet


def logging_getLogger(*args):
    return _Quiet()


logging_basicConfig = _nothing
logging_info = _nothing
logging_debug = _nothing
logging_warning = _nothing
logging_warn = _nothing
logging_error = _nothing
logging_INFO = 20
logging_DEBUG = 10
logging_WARNING = 30
logging_ERROR = 40
logging_Logger = _Quiet
gc_collect = _nothing
gc_disable = _nothing
gc_enable = _nothing
traceback_print_exc = _nothing


def traceback_format_exc(*args):
    return ''


def time_time():
    return 0.0


time_perf_counter = time_time
time_monotonic = time_time
time_sleep = _nothing


def tqdm_tqdm(iterable=None, *args, **kwargs):
    return iterable


tqdm_auto_tqdm = tqdm_tqdm


def heapq_heappush(heap, x):
    heap.append(x)
    heap.sort()


def heapq_heappop(heap):
    return heap.pop(0)


def bisect_bisect_left(a, x):
    return len([v for v in a if v < x])


def bisect_bisect_right(a, x):
    return len([v for v in a if v <= x])


bisect_bisect = bisect_bisect_right


class types_SimpleNamespace:
    def __init__(self, **kwargs):
        for k, v in kwargs.items():
            setattr(self, k, v)


def types_MethodType(function, instance):
    return function.__get__(instance) if hasattr(function, '__get__') else (lambda *a, **k: function(instance, *a, **k))


class threading_Lock(_Quiet):
    pass


threading_RLock = threading_Lock
weakref_ref = lambda x: (lambda: x)
weakref_proxy = lambda x: x
statistics_mean = lambda v: sum(v) / len(v)
string_ascii_lowercase = 'abcdefghijklmnopqrstuvwxyz'
string_ascii_uppercase = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ'
string_digits = '0123456789'


class threading_local:
    pass


def fnmatch_fnmatch(name, pattern):
    if pattern == '':
        return name == ''
    if pattern[0] == '*':
        return any(fnmatch_fnmatch(name[k:], pattern[1:]) for k in range(len(name) + 1))
    return name != '' and pattern[0] in ('?', name[0]) and fnmatch_fnmatch(name[1:], pattern[1:])


fnmatch_fnmatchcase = fnmatch_fnmatch


def fnmatch_filter(names, pattern):
    return [n for n in names if fnmatch_fnmatch(n, pattern)]


def getpass_getuser():
    return 'user'


def ast_literal_eval(text):
    return _literal(text) if isinstance(text, str) else text


def importlib_import_module(name, package=None):
    return _module(name)


def textwrap_dedent(text):
    lines = [line if line.strip() else '' for line in text.split('\n')]
    margins = [line[:len(line) - len(line.lstrip())] for line in lines if line]
    common = min(margins, key=len) if margins else ''
    while not all([m.startswith(common) for m in margins]):
        common = common[:-1]
    return '\n'.join([line[len(common):] for line in lines])


def textwrap_indent(text, prefix):
    return ''.join([prefix + line if line.strip() else line for line in text.splitlines(True)])


class pathlib_PurePath:
    # A name of a file: nothing is ever read.
    def __init__(self, *parts):
        self._text = '/'.join([str(p) for p in parts]) or '.'

    def __truediv__(self, other):
        return pathlib_Path(self._text, other)

    def __str__(self):
        return self._text

    def __repr__(self):
        return f'PosixPath({self._text!r})'

    def __fspath__(self):
        return self._text

    def __eq__(self, other):
        return isinstance(other, pathlib_PurePath) and self._text == other._text

    def __hash__(self):
        return hash(self._text)

    @property
    def name(self):
        return self._text.rpartition('/')[2]

    @property
    def stem(self):
        stem, dot, suffix = self.name.rpartition('.')
        return stem or suffix

    @property
    def suffix(self):
        stem, dot, suffix = self.name.rpartition('.')
        return '.' + suffix if stem else ''

    @property
    def parent(self):
        return pathlib_Path(self._text.rpartition('/')[0] or '.')

    def joinpath(self, *parts):
        return pathlib_Path(self._text, *parts)

    def resolve(self, strict=False):
        return self

    absolute = expanduser = resolve

    def exists(self):
        return False

    is_file = is_dir = exists

    def mkdir(self, *args, **options):
        _refuse('Path.mkdir')

    def open(self, *args, **options):
        _refuse('Path.open')

    read_text = read_bytes = write_text = write_bytes = iterdir = glob = open


pathlib_Path = pathlib_PosixPath = pathlib_PurePath
