/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A YAML file as a small tree of nodes that know their line and column. The one place that uses libfyaml;
 * what a configuration does not need (anchors, aliases, tags, several documents, deep nesting) is refused
 * here, so nothing is ever expanded. Inside conf/ only; any thread.
 */
#ifndef CONF_CONF_TREE_H
#define CONF_CONF_TREE_H

#include "conf/conf_error.h"

enum conf_node_kind {
    CONF_NODE_SCALAR,
    CONF_NODE_LIST,
    CONF_NODE_MAP,
    CONF_NODE_BAD, /* refused and reported already: say no more about it */
};

struct conf_node {
    enum conf_node_kind kind;
    bool quoted; /* scalar: in quotes or a block, so always a string */
    struct conf_mark at;
    const char *text; /* scalar: len bytes of UTF-8 and a NUL behind them; may hold NULs from "\0" */
    size_t len;
    struct conf_node *first, *last; /* list: the items. map: key, value, key, value, ... */
    struct conf_node *next;
    size_t n; /* children: a map has two for each key */
};

struct conf_tree {
    struct conf_node *root; /* NULL: nothing to read */
    size_t n_nodes;
    struct conf_block *blocks;
};

/* False when there is no tree to go on with (bytes that are no text, YAML syntax); mistakes are in the
 * report. True may come with mistakes too. The tree is the caller's either way. */
bool conf_tree_parse(struct conf_tree *tree, const char *yaml, size_t len, struct conf_report *report);
void conf_tree_free(struct conf_tree *tree);

/* A plain scalar that YAML takes for "no value". */
bool conf_node_is_null(const struct conf_node *n);
/* What the node is, for a message: a list, a mapping, nothing, or the quoted text. */
const char *conf_node_describe(const struct conf_node *n, char buf[CONF_QUOTE_LEN]);

#endif
