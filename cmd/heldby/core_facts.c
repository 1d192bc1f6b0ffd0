#include "cmd/heldby/core_facts.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/heldby/facts.h"
#include "cmd/heldby/text.h"

static bool source_is(const struct heap *heap, const char *what)
{
    const char *source = fact_text(heap, "source");
    return source && strcmp(source, what) == 0;
}

bool heap_is_of_core(const struct heap *heap)
{
    return source_is(heap, "core");
}

bool heap_is_live_copy(const struct heap *heap)
{
    return source_is(heap, "live");
}

void each_fact_item(const struct heap *heap, const char *key, void (*each)(void *context, const char *text),
                    void *context)
{
    const struct heap_fact *fact = heap_fact(heap, key);
    if (!fact || fact->type != HEAP_FACT_LIST)
        return;
    for (uint32_t at = 0; at < fact->length; at += (uint32_t)strlen(fact->text + at) + 1)
        each(context, fact->text + at);
}

void record_read(struct record *r, const char *text)
{
    for (unsigned i = 0; i < RECORD_FIELDS; i++)
        r->field[i] = "";
    snprintf(r->text, sizeof r->text, "%s", text);
    char *at = r->text;
    for (unsigned i = 0; at && i < RECORD_FIELDS; i++)
        r->field[i] = strsep(&at, "\t");
}

const char *signal_code_text(int number, int code)
{
    if (number == SIGSEGV)
        return code == SEGV_MAPERR ? "nothing is mapped there" : code == SEGV_ACCERR ? "no permission" : NULL;
    if (number == SIGBUS)
        return code == BUS_ADRALN   ? "not aligned"
               : code == BUS_ADRERR ? "no such memory, as behind the end of a mapped file"
                                    : NULL;
    if (number == SIGFPE)
        return code == FPE_INTDIV ? "division by zero" : NULL;
    if (number == SIGABRT || number == SIGQUIT || number == SIGTRAP)
        return NULL;
    return code == SI_USER ? "sent by a process" : NULL;
}

const char *signal_name(int number, char *out, size_t size)
{
    const char *name = number > 0 && number < 128 ? sigabbrev_np(number) : NULL;
    snprintf(out, size, name ? "SIG%s" : "signal %.0s%d", name ? name : "", number);
    return out;
}

/* Sent by the kernel itself (code above 0); an address of 0 is no fact. */
bool signal_address(const struct heap *heap, uint64_t *ret)
{
    uint64_t number = 0, code = 0;
    *ret = 0;
    fact_u64(heap, "signal", &number);
    fact_u64(heap, "signal_code", &code);
    bool has = number == SIGSEGV || number == SIGBUS || number == SIGILL || number == SIGFPE;
    if (!has || (int64_t)code <= 0)
        return false;
    fact_u64(heap, "signal_address", ret);
    return true;
}

const struct memory_row memory_rows[MEMORY_ROWS] = {
    {"memory.python_objects", "Python objects"},
    {"memory.python_buffers", "storage that Python objects own"},
    {"memory.python_native", "blocks of C extensions in Python's pools"},
    {"memory.python_free", "free in Python's pools"},
    {"memory.python_overhead", "headers and rests of Python's pools"},
    {"memory.malloc_used", "malloc, in use"},
    {"memory.malloc_free", "malloc, free"},
    {"memory.malloc_tcache", "malloc, free in threads' caches"},
    {"memory.malloc_fastbin", "malloc, free in fast bins"},
    {"memory.malloc_top", "malloc, never handed out or given back (top)"},
    {"memory.malloc_overhead", "malloc, headers"},
    {"memory.stacks", "stacks of threads"},
    {"memory.modules", "the program and its libraries"},
    {"memory.mapped_files", "mapped files"},
    {"memory.reserved", "reserved or read-only, no file's"},
    {"memory.other", "other mappings"},
};

const struct missing_row missing_rows[MISSING_ROWS] = {
    {"core.dumped", "dumped", "in the core"},
    {"core.zero", "zero", "of it never touched or zero"},
    {"core.filled", "filled", "taken from programs and libraries here"},
    {"core.absent", "absent", "was not dumped and is not here"},
    {"core.cut", "cut", "lost: the file was cut"},
    {"core.refused", "refused", "not taken: the file here is another one"},
};

char *check_figure(const char *figure, char *out, size_t size)
{
    char *end;
    unsigned long long number = strtoull(figure, &end, 10);
    if (!*figure || *end)
        snprintf(out, size, "%s", figure);
    else if (number == 0)
        snprintf(out, size, "none");
    else
        text_count(number, out, size);
    return out;
}

/* ---- faults ---- */

struct fault_sink {
    void (*fault)(void *context, uint64_t offset, const char *part, const char *message);
    void *context;
};

static void check_fault(void *context, const char *text)
{
    const struct fault_sink *sink = context;
    struct record r;
    char message[1200], expected[40], found[40];
    record_read(&r, text);
    if (strcmp(r.field[CHECK_VERDICT], "differs") != 0)
        return;
    snprintf(message, sizeof message, "%s: %s expected, %s found", r.field[CHECK_NAME],
             check_figure(r.field[CHECK_EXPECTED], expected, sizeof expected),
             check_figure(r.field[CHECK_FOUND], found, sizeof found));
    sink->fault(sink->context, ERROR_NO_OFFSET, "check", message);
}

void core_facts_faults(const struct heap *heap,
                       void (*fault)(void *context, uint64_t offset, const char *part, const char *message),
                       void *context)
{
    struct fault_sink sink = {fault, context};
    each_fact_item(heap, "checks", check_fault, &sink);
}
