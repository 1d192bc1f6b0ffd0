/* What is known of a CPython once its version is. */
#include "formats/cpython/cpython_runtime.h"

#ifdef HELDBY_MEMORY_SPACE
#include "formats/cpython/memory_space.h"
#else
#include "formats/cpython/memory_direct.h"
#endif

void cpython_say(struct cpython_runtime *r, const char *first, const char *second, const char *third)
{
    const char *parts[3] = {first, second, third};
    size_t n = 0;
    for (unsigned i = 0; i < 3; i++)
        for (const char *p = parts[i]; *p != '\0' && n < sizeof(r->problem) - 1; p++)
            r->problem[n++] = *p;
    r->problem[n] = '\0';
}

static uint32_t number(const char **p)
{
    uint32_t v = 0;
    for (; **p >= '0' && **p <= '9' && v < 1000; (*p)++)
        v = v * 10 + (uint32_t)(**p - '0');
    return v;
}

/* "3.13.0rc1 (main, ...)" as PY_VERSION_HEX. */
uint32_t cpython_version_hex(const char *text)
{
    uint32_t major = number(&text), minor = 0, micro = 0, level = 0xf, serial = 0;
    if (*text == '.') {
        text++;
        minor = number(&text);
    }
    if (*text == '.') {
        text++;
        micro = number(&text);
    }
    if (*text == 'a' || *text == 'b' || *text == 'r') {
        level = *text == 'a' ? 0xa : *text == 'b' ? 0xb : 0xc;
        text += *text == 'r' ? 2 : 1;
        serial = number(&text);
    }
    return major << 24 | minor << 16 | micro << 8 | level << 4 | (serial & 15);
}

/* 3.13 and later say themselves where some things are (Include/internal/pycore_runtime.h, _Py_DebugOffsets).
 */
void cpython_self_described(struct cpython_layout *l, uint64_t runtime)
{
    if (mem_u64(runtime) != CPYTHON_COOKIE)
        return;
    const struct {
        uint32_t *field;
        uint32_t at13, at14;
    } table[] = {
        {&l->interpreters_head, 40, 40}, {&l->interp_id, 56, 56},   {&l->interp_next, 64, 64},
        {&l->threads_head, 72, 72},      {&l->gc, 80, 88},          {&l->modules, 88, 96},
        {&l->sysdict, 96, 104},          {&l->builtins, 104, 112},  {&l->frame, 184, 208},
        {&l->thread_id, 192, 216},       {&l->native_id, 200, 224}, {&l->interpreter_size, 48, 48},
    };
    uint32_t modules = l->modules;
    for (unsigned i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        uint64_t v = mem_u64(runtime + (l->minor >= 14 ? table[i].at14 : table[i].at13));
        if (v < 1 << 20)
            *table[i].field = (uint32_t)v;
    }
    if (l->minor < 14)
        return;
    l->interpreters_main = l->interpreters_head + 8;
    l->frame_localsplus = (uint32_t)mem_u64(runtime + 280);
    l->frame_owner = (uint32_t)mem_u64(runtime + 288);
    l->frame_stacktop = (uint32_t)mem_u64(runtime + 296);
    if (l->modules != modules) { /* another patch level moved things: what it does not describe is left out */
        l->importlib = l->modules + 16;
        l->interp_dict = l->codec_search_path = l->before_forkers = NONE;
    }
}

bool cpython_gc_running(const struct cpython_runtime *runtime)
{
    const struct cpython_layout *l = runtime->layout;
    if (l->gc == NONE)
        return mem_u32(runtime->runtime + l->runtime_gc + l->gc_collecting) != 0;
    uint64_t interpreter = mem_u64(runtime->runtime + l->interpreters_main);
    return interpreter != 0 && mem_u32(interpreter + l->gc + l->gc_collecting) != 0;
}

bool cpython_has_threads(const struct cpython_runtime *runtime)
{
    uint64_t interpreter = mem_u64(runtime->runtime + runtime->layout->interpreters_main);
    return interpreter != 0 && mem_u64(interpreter + runtime->layout->threads_head) != 0;
}

bool cpython_takes_calls(const struct cpython_runtime *runtime)
{
    uint64_t interpreter = mem_u64(runtime->runtime + runtime->layout->interpreters_main);
    return interpreter != 0 && mem_u64(interpreter + runtime->layout->threads_head) != 0 &&
           mem_u64(interpreter + runtime->layout->modules) != 0;
}
