/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Writes metrics as Prometheus reads them: its text format 0.0.4, or OpenMetrics 1.0. Both have the same
 * series with the same names and labels, so it does not matter which one a server asks for. Knows no metric;
 * those are metrics.h's. Pure: it fills a buffer that grows.
 *
 * A family is begun (its HELP and TYPE), then come all of its samples, then the next one.
 *
 * Control thread only.
 */
#ifndef CONTROLPLANE_METRIC_TEXT_H
#define CONTROLPLANE_METRIC_TEXT_H

#include "controlplane/histogram.h"

#include <stdbool.h>
#include <stddef.h>

#define METRIC_TEXT_MAX (64u << 20) /* bytes; more is a failure */

enum metric_type {
    METRIC_GAUGE,
    METRIC_COUNTER, /* its name ends in _total */
    METRIC_HISTOGRAM,
    METRIC_INFO, /* its name ends in _info, its value is 1 */
};

struct metric_text {
    char *text; /* not terminated */
    size_t len, size;
    bool openmetrics;
    bool failed;      /* no memory, or too much text: what is there is worth nothing */
    const char *name; /* of the family that is being written */
};

/* value: any bytes; what must be escaped is. */
struct metric_label {
    const char *name, *value;
};

void metric_text_init(struct metric_text *t, bool openmetrics);
void metric_text_free(struct metric_text *t);
/* After the last sample. */
void metric_text_end(struct metric_text *t);

/* name and help must live until the next family; help: one line without quotes or backslashes. */
void metric_family(struct metric_text *t, const char *name, enum metric_type type, const char *help);
void metric_labels_u64(struct metric_text *t, const struct metric_label *labels, size_t n, uint64_t value);
/* A time, in seconds. */
void metric_labels_ns(struct metric_text *t, const struct metric_label *labels, size_t n, uint64_t ns);
void metric_labels_histogram(struct metric_text *t, const struct metric_label *labels, size_t n,
                             const struct histogram *h);

/* metric_u64(t, value, {"port", name}, ...) */
#define METRIC_LABELS(...)                                                                                   \
    (const struct metric_label[])                                                                            \
    {                                                                                                        \
        __VA_ARGS__                                                                                          \
    }
#define metric_u64(t, value, ...)                                                                            \
    metric_labels_u64(t, METRIC_LABELS(__VA_ARGS__),                                                         \
                      sizeof(METRIC_LABELS(__VA_ARGS__)) / sizeof(struct metric_label), value)

/* A family of one sample without labels. */
void metric_gauge(struct metric_text *t, const char *name, uint64_t value, const char *help);
void metric_counter(struct metric_text *t, const char *name, uint64_t value, const char *help);

/* What an HTTP request's Accept header wants (RFC 9110 section 12.5.1): OpenMetrics 1.0 rather than plain
 * text. NULL: there is none. */
bool metric_text_wants_openmetrics(const char *accept);
/* The Content-Type of what was written. */
const char *metric_text_content_type(bool openmetrics);

#endif
