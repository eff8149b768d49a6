"""Which header of the standard library declares which names of namespace std, for includes.py.

A namespace within std (chrono, filesystem, ranges) is listed by its own name. A name that several headers declare
is listed at each. A name that is not here yet is a problem of its own, so a new one gets its header.
"""

HEADERS = {
    "algorithm": "all_of any_of clamp copy copy_n count equal fill fill_n find max min move ranges replace search sort",
    "array": "array begin end get size",
    "atomic": "atomic atomic_ref atomic_thread_fence memory_order_relaxed memory_order_seq_cst",
    "bit": "bit_cast bit_width endian popcount",
    "cctype": "isalnum isalpha isdigit islower ispunct isspace isupper tolower toupper",
    "charconv": "chars_format from_chars to_chars",
    "chrono": "chrono chrono_literals",
    "clocale": "setlocale",
    "cmath": "abs fabs floor llround",
    "condition_variable": "condition_variable",
    "coroutine": "coroutine_handle coroutine_traits noop_coroutine suspend_always suspend_never",
    "csignal": "raise sig_atomic_t signal",
    "cstddef": "byte max_align_t nullptr_t ptrdiff_t size_t",
    "cstdint": "int8_t int16_t int32_t int64_t intmax_t intptr_t uint8_t uint16_t uint32_t uint64_t uintmax_t "
               "uintptr_t",
    "cstdio": "FILE fclose ferror fflush fgetc fgets fopen fprintf fputc fputs fread fscanf fwrite perror printf puts "
              "rename size_t snprintf sscanf",
    "cstdlib": "abort abs atoi calloc exit free getenv labs malloc rand realloc size_t srand strtoul strtoull",
    "cstring": "memcmp memcpy memset size_t strchr strcmp strcpy strerror strlen strstr",
    "ctime": "size_t strftime time time_t tm",
    "deque": "begin deque end erase erase_if size",
    "exception": "current_exception exception exception_ptr rethrow_exception terminate",
    "expected": "expected unexpected",
    "filesystem": "filesystem",
    "fstream": "fstream ifstream ofstream",
    "functional": "function greater hash identity invoke less",
    "initializer_list": "begin end initializer_list",
    "ios": "ios streamoff",
    "iostream": "cerr cin cout",
    "istream": "istream ws",
    "iterator": "back_inserter begin distance end istreambuf_iterator next prev size",
    "latch": "latch",
    "limits": "numeric_limits",
    "list": "begin end erase erase_if list size",
    "map": "begin end erase_if map multimap size",
    "memory": "addressof construct_at make_shared make_unique make_unique_for_overwrite shared_ptr unique_ptr weak_ptr",
    "mutex": "lock_guard mutex scoped_lock unique_lock",
    "new": "align_val_t bad_alloc nothrow nothrow_t",
    "numeric": "accumulate iota partial_sum",
    "optional": "nullopt optional",
    "ostream": "ostream",
    "random": "minstd_rand mt19937 mt19937_64 random_device uniform_int_distribution",
    "ranges": "ranges views",
    "regex": "regex regex_replace regex_search smatch sregex_iterator",
    "set": "begin end erase_if multiset set size",
    "span": "begin end size span",
    "sstream": "istringstream ostringstream stringstream",
    "stdexcept": "invalid_argument logic_error out_of_range runtime_error",
    "stdint.h": "int8_t int16_t int32_t int64_t uint8_t uint16_t uint32_t uint64_t",
    "string": "begin char_traits end erase erase_if getline size stoi stol stoul string string_literals swap to_string",
    "string_view": "begin end size string_view",
    "system_error": "errc error_code generic_category system_category system_error",
    "thread": "this_thread thread",
    "tuple": "get tie tuple",
    "type_traits": "decay_t has_unique_object_representations_v invoke_result_t is_aggregate_v is_arithmetic_v "
                   "is_same_v is_trivially_destructible_v is_void_v remove_cvref_t",
    "unordered_map": "erase_if unordered_map unordered_multimap",
    "utility": "as_const cmp_greater_equal exchange forward get move pair swap to_underlying",
    "variant": "get get_if holds_alternative monostate variant visit",
    "vector": "begin end erase erase_if size vector",
}


def headers_of(name):
    return {header for header, names in HEADERS.items() if name in names.split()}
