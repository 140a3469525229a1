/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The keys of a configuration file: tables that say which key is read how, into which field. Inside conf/
 * only.
 */
#ifndef CONF_CONF_YAML_H
#define CONF_CONF_YAML_H

#include "conf/conf_read.h"

/* All keys. */
extern const struct conf_schema conf_yaml_root;

/* Fills in c, which holds the defaults, from the file's root node; mistakes go to the reader's report. */
void conf_yaml_read(struct conf_reader *r, const struct conf_node *root, struct conf *c);

#endif
