/* The command table. How to add to it: command.h. */
#include "cmd/heldby/command.h"

#include <string.h>

const struct option_spec common_options[] = {
    {"json", 0, OPTION_FLAG, NULL, "print one JSON document", NULL},
    {"limit", 0, OPTION_NUMBER, "N", "rows or children to show; 0 for all (20)", NULL},
    {"color", 0, OPTION_CHOICE, "auto|always|never",
     "colour the text (auto: on a terminal, unless NO_COLOR is set)", NULL},
    {"no-index", 0, OPTION_FLAG, NULL, "neither read nor write a saved index (this version has none)", NULL},
    {"index-dir", 0, OPTION_TEXT, "DIR", "keep saved indexes in DIR (this version has none)", NULL},
    {"output", 'o', OPTION_TEXT, "FILE", "write to FILE instead of standard output", NULL},
    {"sysroot", 0, OPTION_TEXT, "DIR", "of a core: look for its programs and libraries below DIR", NULL},
    {"exe", 0, OPTION_TEXT, "FILE", "of a core: FILE is the program that it is of", NULL},
    {"memory", 0, OPTION_NUMBER, "SIZE",
     "of a compressed core: unpack to at most SIZE bytes (three quarters of what is free)", NULL},
    {0},
};

static const struct option_spec run_options[] = {
    {"signal", 0, OPTION_TEXT, "NAME", "signal that takes a snapshot (USR2)", NULL},
    {"dir", 0, OPTION_TEXT, "DIR", "where snapshots go (the program's working directory)", NULL},
    {"at-exit", 0, OPTION_FLAG, NULL, "also take one when the program ends", NULL},
    {"on-memory-error", 0, OPTION_FLAG, NULL, "also take one at the first MemoryError", NULL},
    {"every", 0, OPTION_SECONDS, "SECONDS", "also take one every SECONDS", NULL},
    {"no-values", 0, OPTION_FLAG, NULL, "leave contents of strings and numbers out", NULL},
    {0},
};

static const struct option_spec dump_options[] = {
    {"output", 'o', OPTION_TEXT, "FILE", "give the snapshot the name FILE", NULL},
    {"dir", 0, OPTION_TEXT, "DIR", "put the snapshot into DIR, under a name of its own", NULL},
    {"timeout", 0, OPTION_SECONDS, "S", "give up after S seconds (60)", NULL},
    {"no-hook", 0, OPTION_FLAG, NULL, "copy the memory from outside, even where there is a hook", NULL},
    {"no-values", 0, OPTION_FLAG, NULL, "without a hook: leave contents of strings and numbers out", NULL},
    {"sysroot", 0, OPTION_TEXT, "DIR", "without a hook: look for programs and libraries below DIR", NULL},
    {"exe", 0, OPTION_TEXT, "FILE", "without a hook: FILE is the program that runs", NULL},
    {"memory", 0, OPTION_NUMBER, "SIZE",
     "without a hook: copy at most SIZE bytes (three quarters of what is free)", NULL},
    {0},
};

static const struct option_spec no_options[] = {{0}};

static const struct option_spec histogram_options[] = {
    {"by", 0, OPTION_CHOICE, "type|module|size|referrer|via", "what a row stands for (type)", NULL},
    {"sort", 0, OPTION_CHOICE, "count|shallow|retained", "largest first by this (shallow)", NULL},
    {"type", 0, OPTION_TEXT, "T", "only objects of a type: an exact name, or a pattern with * and ?", NULL},
    {"tracked", 0, OPTION_FLAG, NULL, "only objects the garbage collector tracks", NULL},
    {"filter", 0, OPTION_TEXT, "REGEX", "only rows whose name matches", NULL},
    {0},
};

static const struct option_spec find_options[] = {
    {"type", 0, OPTION_TEXT, "T", "exact type name, or a pattern with * and ?", NULL},
    {"module", 0, OPTION_TEXT, "M", "module of the type, exact or a pattern", NULL},
    {"min-size", 0, OPTION_NUMBER, "N", "at least N bytes (10k, 4MiB)", NULL},
    {"max-size", 0, OPTION_NUMBER, "N", "at most N bytes", NULL},
    {"value", 0, OPTION_TEXT, "REGEX", "value or name matches", NULL},
    {"attr", 0, OPTION_LIST, "NAME=VALUE",
     "holds VALUE as attribute, slot or key NAME; also !=, ~REGEX, >5, or NAME alone", NULL},
    {"refcount", 0, OPTION_TEXT, "N", "reference count: 5, '>5', '<=5', 2-5", NULL},
    {"tracked", 0, OPTION_FLAG, NULL, "only objects the garbage collector tracks", NULL},
    {0},
};

static const struct option_spec referents_options[] = {
    {"type", 0, OPTION_TEXT, "T",
     "all objects of a type (exact, or a pattern with * and ?) instead of OBJECT", NULL},
    {"depth", 0, OPTION_NUMBER, "N", "how many steps to follow; 0 for all (1)", NULL},
    {"exclude", 0, OPTION_LIST, "SEL",
     "leave out an OBJECT, or what a type, module, class or function name or pattern means", NULL},
    {"group", 0, OPTION_FLAG, NULL, "one line for alike references, with their number", NULL},
    {"format", 0, OPTION_CHOICE, "tree|dot|graphml|json", "what to print (tree)", NULL},
    {0},
};

static const struct option_spec referrers_options[] = {
    {"type", 0, OPTION_TEXT, "T",
     "all objects of a type (exact, or a pattern with * and ?) instead of OBJECT", NULL},
    {"depth", 0, OPTION_NUMBER, "N", "how many steps to follow; 0 for all (4, and on up to 50 lines)", NULL},
    {"exclude", 0, OPTION_LIST, "SEL",
     "leave out an OBJECT, or what a type, module, class or function name or pattern means", NULL},
    {"no-group", 0, OPTION_FLAG, NULL, "a line for each holder, however alike", NULL},
    {"format", 0, OPTION_CHOICE, "tree|dot|graphml|json", "what to print (tree)", NULL},
    {0},
};

static const struct option_spec path_options[] = {
    {"type", 0, OPTION_TEXT, "T", "all objects of a type, merged, instead of OBJECT", NULL},
    {"all", 0, OPTION_FLAG, NULL, "all paths as short as the shortest, not only one", NULL},
    {"max", 0, OPTION_NUMBER, "N", "at most N of them (1; with --all as --limit says)", NULL},
    {"avoid", 0, OPTION_LIST, "SEL",
     "no path through an OBJECT, or what a type, module, class or function name or pattern means", NULL},
    {"from", 0, OPTION_TEXT, "OBJECT", "start from this object instead of the roots", NULL},
    {"to", 0, OPTION_TEXT, "OBJECT", "the same as OBJECT behind the file name", NULL},
    {"format", 0, OPTION_CHOICE, "text|dot|graphml|json", "what to print (text)", NULL},
    {0},
};

static const struct option_spec export_options[] = {
    {"format", 0, OPTION_CHOICE, "dot|graphml|json|csv|heapsnapshot|sqlite", "what to write",
     "heapsnapshot|sqlite"},
    {"type", 0, OPTION_TEXT, "T",
     "around all objects of a type (exact, or a pattern with * and ?) instead of OBJECT", NULL},
    {"depth", 0, OPTION_NUMBER, "N", "how many steps around the OBJECTs; 0 for all (3)", NULL},
    {"direction", 0, OPTION_CHOICE, "both|referrers|referents", "which way around the OBJECTs (both)", NULL},
    {"exclude", 0, OPTION_LIST, "SEL",
     "around the OBJECTs, leave out an OBJECT, or what a type, module, class or function name or pattern "
     "means",
     NULL},
    {"raw", 0, OPTION_FLAG, NULL, "references as they are stored, through each object's own dict", NULL},
    {"rows", 0, OPTION_CHOICE, "edges|nodes", "what a line of csv is (edges)", NULL},
    {0},
};

static const struct option_spec retained_options[] = {
    {"type", 0, OPTION_TEXT, "T",
     "all objects of a type (exact, or a pattern with * and ?) instead of OBJECT", NULL},
    {0},
};

static const struct option_spec dominators_options[] = {
    {"by", 0, OPTION_CHOICE, "object|type", "what a row stands for (object)", NULL},
    {"depth", 0, OPTION_NUMBER, "N",
     "how many levels of the tree to show; 0 for all (3, of rows of 1 % and more)", NULL},
    {0},
};

static const struct option_spec refcheck_options[] = {
    {"type", 0, OPTION_TEXT, "T", "only these types: an exact name, or a pattern with * and ?", NULL},
    {"by", 0, OPTION_CHOICE, "object|type", "what a row stands for (object)", NULL},
    {"all", 0, OPTION_FLAG, NULL, "also what the interpreter itself is known to hold from C", NULL},
    {"fail-if", 0, OPTION_TEXT, "EXPR",
     "exit with status 1 when a row fulfils EXPR: type=app.Session,unexplained>0", NULL},
    {0},
};

static const struct option_spec cycles_options[] = {
    {"unreachable", 0, OPTION_FLAG, NULL, "only cycles that no root reaches", NULL},
    {"type", 0, OPTION_TEXT, "T",
     "only cycles with an object of this type (exact, or a pattern with * and ?)", NULL},
    {"min-size", 0, OPTION_NUMBER, "N", "only cycles of at least N objects", NULL},
    {"all-edges", 0, OPTION_FLAG, NULL, "do not leave out classes and modules that roots reach", NULL},
    {0},
};

static const struct option_spec unreachable_options[] = {
    {"all", 0, OPTION_FLAG, NULL, "also list what CPython itself is known to hold from C", NULL},
    {0},
};

static const struct option_spec diff_options[] = {
    {"by", 0, OPTION_CHOICE, "type|path", "what a row stands for (type)", NULL},
    {"type", 0, OPTION_TEXT, "T", "only these types: an exact name, or a pattern with * and ?", NULL},
    {"sort", 0, OPTION_CHOICE, "shallow|count|added|removed|name", "largest change first by this (shallow)",
     NULL},
    {"objects", 0, OPTION_FLAG, NULL, "list the objects that came and went", NULL},
    {"fail-if", 0, OPTION_TEXT, "EXPR",
     "exit with status 1 when a row fulfils EXPR: type=app.Session,delta_count>0", NULL},
    {0},
};

static const struct option_spec growth_options[] = {
    {"by", 0, OPTION_CHOICE, "type|path", "what a row stands for (type)", NULL},
    {"peak", 0, OPTION_FLAG, NULL, "only what has more objects than ever before, as objgraph.growth counts",
     NULL},
    {"tracked", 0, OPTION_FLAG, NULL, "only objects the garbage collector tracks", NULL},
    {"fail-if", 0, OPTION_TEXT, "EXPR",
     "exit with status 1 when a row fulfils EXPR: every_step=true,per_step>100", NULL},
    {0},
};

static const struct option_spec convert_options[] = {
    {"output", 'o', OPTION_TEXT, "FILE", "the snapshot to write; - for standard output", NULL},
    {"no-values", 0, OPTION_FLAG, NULL, "leave contents of strings and numbers out", NULL},
    {"sysroot", 0, OPTION_TEXT, "DIR", "of a core: look for its programs and libraries below DIR", NULL},
    {"exe", 0, OPTION_TEXT, "FILE", "of a core: FILE is the program that it is of", NULL},
    {"memory", 0, OPTION_NUMBER, "SIZE",
     "of a compressed core: unpack to at most SIZE bytes (three quarters of what is free)", NULL},
    {0},
};

static const struct option_spec help_options[] = {
    {"man", 0, OPTION_FLAG, NULL, "print the manual page of COMMAND as roff; without COMMAND that of heldby",
     NULL},
    {"synopsis", 0, OPTION_FLAG, NULL, "print only the synopsis", NULL},
    {"list", 0, OPTION_FLAG, NULL, "print only the names of the commands", NULL},
    {"completion", 0, OPTION_CHOICE, "bash|zsh", "print a completion script for this shell", NULL},
    {0},
};

const struct command commands[] = {
    {.name = "run",
     .operands = "-- PROGRAM [ARGUMENT...]",
     .summary = "start a program so that snapshots can be taken of it",
     .options = run_options,
     .least_operands = 1,
     .most_operands = -1,
     .run = cmd_run,
     .program_operands = true,
     .bare = true},
    {.name = "dump",
     .operands = "PID",
     .summary = "take a snapshot of a running program",
     .options = dump_options,
     .least_operands = 1,
     .most_operands = 1,
     .run = cmd_dump,
     .bare = true},
    {.name = "info",
     .operands = "FILE",
     .summary = "what was captured, when, and whether it is complete",
     .options = no_options,
     .least_operands = 1,
     .most_operands = 1,
     .run = cmd_info},
    {.name = "histogram",
     .operands = "FILE",
     .summary = "which types, how many, how large",
     .options = histogram_options,
     .least_operands = 1,
     .most_operands = 1,
     .run = cmd_histogram},
    {.name = "find",
     .operands = "FILE",
     .summary = "list objects by type, size, value or reference count",
     .options = find_options,
     .least_operands = 1,
     .most_operands = 1,
     .run = cmd_find},
    {.name = "show",
     .operands = "FILE OBJECT",
     .summary = "one object: what it is, what it holds, what holds it",
     .options = no_options,
     .least_operands = 2,
     .most_operands = 2,
     .run = cmd_show},
    {.name = "referents",
     .operands = "FILE [OBJECT...]",
     .summary = "what an object holds",
     .options = referents_options,
     .least_operands = 1,
     .most_operands = -1,
     .run = cmd_referents},
    {.name = "referrers",
     .operands = "FILE [OBJECT...]",
     .summary = "what holds an object, as a tree up to the roots",
     .options = referrers_options,
     .least_operands = 1,
     .most_operands = -1,
     .run = cmd_referrers},
    {.name = "path",
     .operands = "FILE [OBJECT]",
     .summary = "why an object is alive: the shortest chain from a root",
     .options = path_options,
     .least_operands = 1,
     .most_operands = 2,
     .run = cmd_path},
    {.name = "retained",
     .operands = "FILE [OBJECT...]",
     .summary = "what would be freed with an object",
     .options = retained_options,
     .least_operands = 1,
     .most_operands = -1,
     .run = cmd_retained},
    {.name = "dominators",
     .operands = "FILE [OBJECT]",
     .summary = "the dominator tree: which objects hold the most, largest first",
     .options = dominators_options,
     .least_operands = 1,
     .most_operands = 2,
     .run = cmd_dominators},
    {.name = "refcheck",
     .operands = "FILE",
     .summary = "objects held from C: refcount minus references found",
     .options = refcheck_options,
     .least_operands = 1,
     .most_operands = 1,
     .run = cmd_refcheck},
    {.name = "cycles",
     .operands = "FILE",
     .summary = "reference cycles; garbage and finalizers marked",
     .options = cycles_options,
     .least_operands = 1,
     .most_operands = 1,
     .run = cmd_cycles},
    {.name = "unreachable",
     .operands = "FILE",
     .summary = "objects no root reaches: garbage, and what leaked from C",
     .options = unreachable_options,
     .least_operands = 1,
     .most_operands = 1,
     .run = cmd_unreachable},
    {.name = "diff",
     .operands = "OLD NEW",
     .summary = "what came and what went between two files",
     .options = diff_options,
     .least_operands = 2,
     .most_operands = 2,
     .run = cmd_diff},
    {.name = "growth",
     .operands = "FILE FILE...",
     .summary = "what rose at every step of a row of files",
     .options = growth_options,
     .least_operands = 2,
     .most_operands = -1,
     .run = cmd_growth},
    {.name = "export",
     .operands = "FILE [OBJECT...]",
     .summary = "write the graph, or what is around some objects, for other tools",
     .options = export_options,
     .least_operands = 1,
     .most_operands = -1,
     .run = cmd_export},
    {.name = "verify",
     .operands = "FILE",
     .summary = "check a file, report every fault, say what can still be answered",
     .options = no_options,
     .least_operands = 1,
     .most_operands = 1,
     .run = cmd_verify},
    {.name = "convert",
     .operands = "FILE",
     .summary = "a core, or a snapshot, as a small snapshot to carry away",
     .options = convert_options,
     .least_operands = 1,
     .most_operands = 1,
     .run = cmd_convert,
     .bare = true},
    {.name = "help",
     .operands = "[COMMAND]",
     .summary = "explain heldby or one of its commands",
     .options = help_options,
     .least_operands = 0,
     .most_operands = 1,
     .run = cmd_help,
     .bare = true},
    {.name = NULL},
};

const struct command *command_find(const char *name)
{
    for (const struct command *c = commands; c->name; c++) {
        if (strcmp(c->name, name) == 0)
            return c;
    }
    return NULL;
}
