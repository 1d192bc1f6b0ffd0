#include "cmd/hook/objects.h"

#include "cmd/hook/hook.h"
#include "formats/cpython/cpython_layout.h"

#include <string.h>

uint64_t hook_objects[HOOK_OBJECTS_MAX];
size_t hook_object_count;
uint64_t hook_functions[HOOK_FUNCTIONS_MAX];
size_t hook_function_count;
struct capture_call hook_calls[HOOK_CALLS_MAX];
uint64_t hook_passed[HOOK_CALLS_MAX * HOOK_PASSED_MAX];
uint64_t hook_answers;

static uint64_t address_of(const void *object)
{
    return (uint64_t)(uintptr_t)object;
}

static uint64_t word_at(const void *object, uint32_t offset)
{
    uint64_t word;
    memcpy(&word, (const char *)object + offset, sizeof word);
    return word;
}

static bool is_type(const void *object, uint64_t type)
{
    return type != 0 && word_at(object, OB_TYPE) == type;
}

void hook_object_add(void *object)
{
    if (!object || object == hook.python.none || hook_object_count == HOOK_OBJECTS_MAX)
        return;
    for (size_t i = 0; i < hook_object_count; i++)
        if (hook_objects[i] == address_of(object))
            return;
    hook.python.incref(object);
    hook_objects[hook_object_count++] = address_of(object);
}

void hook_function_add(void *object)
{
    hook_object_add(object);
    for (size_t i = 0; i < hook_function_count; i++)
        if (hook_functions[i] == address_of(object))
            return;
    if (object && hook_function_count < HOOK_FUNCTIONS_MAX)
        hook_functions[hook_function_count++] = address_of(object);
}

/* ---- what an object is made of ---- */

/* The visitproc: of what a function, a class or a dict of ours refers to, that which is ours too. */
static int add_part(void *object, void *builtins)
{
    const struct python *python = &hook.python;
    const struct cpython_runtime *runtime = &hook.runtime;
    bool ours =
        is_type(object, address_of(python->function_type)) ||
        is_type(object, address_of(python->code_type)) || is_type(object, address_of(python->member_type)) ||
        is_type(object, address_of(python->getset_type)) ||
        is_type(object, address_of(python->property_type)) ||
        (is_type(object, runtime->tuple_type) && word_at(object, OB_SIZE) > 0) ||
        is_type(object, runtime->list_type) || (is_type(object, runtime->dict_type) && object != builtins);
    if (ours)
        hook_object_add(object);
    return 0;
}

/* Code has no tp_traverse, and its tuples are tracked until the collector has looked at them. */
static void add_code_parts(void *code, void *builtins)
{
    const struct cpython_layout *l = hook.runtime.layout;
    const uint32_t offsets[] = {l->code_consts,   l->code_names,    l->code_localsplusnames,
                                l->code_varnames, l->code_freevars, l->code_cellvars};
    for (size_t i = 0; i < sizeof offsets / sizeof *offsets; i++) {
        void *part = NULL;
        if (offsets[i] != NONE)
            memcpy(&part, (const char *)code + offsets[i], sizeof part);
        if (part)
            (void)add_part(part, builtins);
    }
}

void hook_object_add_all(void *object)
{
    void *builtins = hook.python.get_builtins ? hook.python.get_builtins() : NULL;
    size_t i = hook_object_count;
    hook_object_add(object);
    for (; i < hook_object_count; i++) {
        void *part = (void *)(uintptr_t)hook_objects[i];
        if (is_type(part, address_of(hook.python.code_type)))
            add_code_parts(part, builtins);
        uint64_t traverse = word_at((void *)(uintptr_t)word_at(part, OB_TYPE), TP_TRAVERSE);
        int (*function)(void *, int (*)(void *, void *), void *);
        memcpy(&function, &traverse, sizeof function);
        if (function)
            (void)function(part, add_part, builtins);
    }
}

/* ---- calls under way ---- */

int hook_call_begin(void *arguments, void *keywords)
{
    int call = 0;
    while (call < HOOK_CALLS_MAX && hook_calls[call].thread != 0)
        call++;
    if (call == HOOK_CALLS_MAX || !arguments)
        return -1;
    hook_calls[call] = (struct capture_call){.thread = address_of(hook.python.current_state()),
                                             .arguments = address_of(arguments),
                                             .keywords = address_of(keywords)};
    /* Made for this call, unless the program holds it too: f(*its_own_tuple). */
    if (word_at(arguments, OB_SIZE) > 0 && (uint32_t)word_at(arguments, OB_REFCNT) == 1)
        hook_call_pass(call, arguments);
    if (keywords && (uint32_t)word_at(keywords, OB_REFCNT) == 1)
        hook_call_pass(call, keywords);
    return call;
}

void hook_call_pass(int call, void *object)
{
    if (call < 0)
        return;
    uint64_t *places = hook_passed + (size_t)call * HOOK_PASSED_MAX;
    for (int i = 0; i < HOOK_PASSED_MAX; i++) {
        if (places[i] == address_of(object))
            return;
        if (places[i] == 0) {
            places[i] = address_of(object);
            return;
        }
    }
}

void hook_call_end(int call)
{
    if (call < 0)
        return;
    memset(hook_passed + (size_t)call * HOOK_PASSED_MAX, 0, HOOK_PASSED_MAX * sizeof *hook_passed);
    hook_calls[call] = (struct capture_call){0};
}
