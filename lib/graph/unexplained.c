#include "lib/graph/found_references.h"
#include "lib/graph/reverse_search.h"

bool paths_find_unexplained(const struct graph *graph, object_id target, const struct object_set *avoid,
                            struct chain *ret, uint64_t *unexplained, struct error *err)
{
    struct reverse_search search;
    struct found_references found;
    *ret = (struct chain){.root = PATH_NO_ROOT};
    *unexplained = 0;
    if (!found_references_create(&found, graph->heap, err))
        return false;
    bool ok = reverse_search_begin(&search, graph, target, avoid, false, err);
    search.claims = heap_contents(graph->heap) == HEAP_IS_MIXED ? &found : NULL;
    for (size_t node = 0; ok && !*unexplained && node < search.count; node++) {
        *unexplained = found_references_missing(&found, graph->heap, search.node[node].object);
        if (*unexplained) {
            ok = reverse_search_chain(&search, node, ret, err);
            ret->length = search.depth;
        } else if (node + 1 == search.count) {
            ok = reverse_search_step(&search, err);
        }
    }
    reverse_search_end(&search);
    found_references_free(&found);
    return ok;
}
