/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See metric_text.h. Tens of thousands of samples are written on the thread that moves MACs, so numbers and
 * labels are put together without printf().
 */
#include "controlplane/metric_text.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define FIRST_SIZE 65536u
#define NS_PER_S   1000000000u

void metric_text_init(struct metric_text *t, bool openmetrics)
{
    *t = (struct metric_text){.openmetrics = openmetrics};
}

void metric_text_free(struct metric_text *t)
{
    free(t->text);
    *t = (struct metric_text){0};
}

/* ---- bytes */

static bool grow(struct metric_text *t, size_t more)
{
    size_t size = t->size ? t->size : FIRST_SIZE;
    char *text;

    if (t->failed || more > METRIC_TEXT_MAX - t->len) {
        t->failed = true;
        return false;
    }
    while (size < t->len + more)
        size *= 2;
    text = realloc(t->text, size);
    t->failed = !text;
    if (!text)
        return false;
    t->text = text;
    t->size = size;
    return true;
}

static void put(struct metric_text *t, const char *bytes, size_t n)
{
    if (n > t->size - t->len && !grow(t, n))
        return;
    memcpy(t->text + t->len, bytes, n);
    t->len += n;
}

static void put_text(struct metric_text *t, const char *text)
{
    put(t, text, strlen(text));
}

/* At least `width` digits. */
static void put_u64(struct metric_text *t, uint64_t value, unsigned width)
{
    char digits[24];
    unsigned at = sizeof(digits);

    do {
        digits[--at] = (char)('0' + value % 10);
        value /= 10;
    } while (value || sizeof(digits) - at < width);
    put(t, digits + at, sizeof(digits) - at);
}

static void put_seconds(struct metric_text *t, uint64_t ns)
{
    put_u64(t, ns / NS_PER_S, 1);
    put(t, ".", 1);
    put_u64(t, ns % NS_PER_S, 9);
}

/* Bytes that are no UTF-8 (no configuration has them) do not get through either format. */
static void put_escaped(struct metric_text *t, const char *value)
{
    for (;;) {
        const char *plain = value;

        while (*value && *value != '\\' && *value != '"' && *value != '\n')
            value++;
        put(t, plain, (size_t)(value - plain));
        if (*value == '\0')
            return;
        put(t, *value == '\n' ? "\\n" : *value == '"' ? "\\\"" : "\\\\", 2);
        value++;
    }
}

/* ---- families */

static const char *const type_texts[] = {[METRIC_GAUGE] = "gauge",
                                         [METRIC_COUNTER] = "counter",
                                         [METRIC_HISTOGRAM] = "histogram",
                                         [METRIC_INFO] = "info"};

/* OpenMetrics calls a family by its name without the suffix that the type brings. */
static size_t family_len(const struct metric_text *t, const char *name, enum metric_type type)
{
    const char *suffix = type == METRIC_COUNTER ? "_total" : type == METRIC_INFO ? "_info" : "";
    size_t n = strlen(name), cut = strlen(suffix);

    return t->openmetrics && n > cut && strcmp(name + n - cut, suffix) == 0 ? n - cut : n;
}

void metric_family(struct metric_text *t, const char *name, enum metric_type type, const char *help)
{
    size_t n = family_len(t, name, type);

    t->name = name;
    put_text(t, "# HELP ");
    put(t, name, n);
    put_text(t, " ");
    put_text(t, help);
    put_text(t, "\n# TYPE ");
    put(t, name, n);
    put_text(t, " ");
    put_text(t, type_texts[type == METRIC_INFO && !t->openmetrics ? METRIC_GAUGE : type]);
    put_text(t, "\n");
}

void metric_text_end(struct metric_text *t)
{
    if (t->openmetrics)
        put_text(t, "# EOF\n");
}

/* ---- samples */

/* causeway_x_bucket{a="1",le="0.5"} and the space that the value follows. */
static void put_series(struct metric_text *t, const char *suffix, const struct metric_label *labels, size_t n,
                       const char *le)
{
    put_text(t, t->name);
    put_text(t, suffix);
    for (size_t i = 0; i < n; i++) {
        put(t, i == 0 ? "{" : ",", 1);
        put_text(t, labels[i].name);
        put_text(t, "=\"");
        put_escaped(t, labels[i].value);
        put(t, "\"", 1);
    }
    if (le) {
        put_text(t, n == 0 ? "{le=\"" : ",le=\"");
        put_text(t, le);
        put(t, "\"", 1);
    }
    put_text(t, n > 0 || le ? "} " : " ");
}

void metric_labels_u64(struct metric_text *t, const struct metric_label *labels, size_t n, uint64_t value)
{
    put_series(t, "", labels, n, NULL);
    put_u64(t, value, 1);
    put(t, "\n", 1);
}

void metric_labels_ns(struct metric_text *t, const struct metric_label *labels, size_t n, uint64_t ns)
{
    put_series(t, "", labels, n, NULL);
    put_seconds(t, ns);
    put(t, "\n", 1);
}

void metric_labels_histogram(struct metric_text *t, const struct metric_label *labels, size_t n,
                             const struct histogram *h)
{
    uint64_t sum = 0;

    for (unsigned i = 0; i <= HISTOGRAM_BOUNDS; i++) {
        sum += h->counts[i];
        put_series(t, "_bucket", labels, n, i < HISTOGRAM_BOUNDS ? histogram_bounds[i].text : "+Inf");
        put_u64(t, sum, 1);
        put(t, "\n", 1);
    }
    put_series(t, "_sum", labels, n, NULL);
    put_seconds(t, h->sum_ns);
    put(t, "\n", 1);
    put_series(t, "_count", labels, n, NULL);
    put_u64(t, sum, 1);
    put(t, "\n", 1);
}

void metric_gauge(struct metric_text *t, const char *name, uint64_t value, const char *help)
{
    metric_family(t, name, METRIC_GAUGE, help);
    metric_labels_u64(t, NULL, 0, value);
}

void metric_counter(struct metric_text *t, const char *name, uint64_t value, const char *help)
{
    metric_family(t, name, METRIC_COUNTER, help);
    metric_labels_u64(t, NULL, 0, value);
}

/* ---- which format */

const char *metric_text_content_type(bool openmetrics)
{
    return openmetrics ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
                       : "text/plain; version=0.0.4; charset=utf-8";
}

static size_t spaces(const char *s)
{
    return strspn(s, " \t");
}

/* The length of a word with neither separators nor spaces. */
static size_t word(const char *s)
{
    return strcspn(s, " \t,;=");
}

static bool word_is(const char *s, size_t n, const char *what)
{
    return n == strlen(what) && strncasecmp(s, what, n) == 0;
}

/* "0.5" in thousandths; what is no weight weighs nothing. */
static unsigned weight(const char *s, size_t n)
{
    unsigned value, scale = 100;

    if (n == 0 || n > 5 || (*s != '0' && *s != '1') || (n > 1 && s[1] != '.'))
        return 0;
    value = (unsigned)(*s - '0') * 1000;
    for (size_t i = 2; i < n; i++, scale /= 10) {
        if (s[i] < '0' || s[i] > '9')
            return 0;
        value += (unsigned)(s[i] - '0') * scale;
    }
    return value > 1000 ? 0 : value;
}

/* The parameters of one media range: its weight; *version is false when it wants another than 1.0.0. Returns
 * what follows. */
static const char *parameters(const char *s, unsigned *q, bool *version)
{
    *q = 1000;
    *version = true;
    for (s += spaces(s); *s == ';'; s += spaces(s)) {
        size_t n, m = 0;
        const char *name, *value;

        s += 1 + spaces(s + 1);
        name = s;
        n = word(s);
        s += n + spaces(s + n);
        if (*s == '=')
            s += 1 + spaces(s + 1);
        value = s;
        m = word(s);
        s += m;
        if (word_is(name, n, "q"))
            *q = weight(value, m);
        else if (word_is(name, n, "version"))
            *version = word_is(value, m, "1.0.0");
    }
    return s;
}

bool metric_text_wants_openmetrics(const char *accept)
{
    unsigned openmetrics = 0, plain = 0, any = 0;

    while (accept && *accept) {
        const char *type = accept + spaces(accept);
        size_t n = word(type);
        bool version;
        unsigned q;

        accept = parameters(type + n, &q, &version);
        if (word_is(type, n, "application/openmetrics-text") && version && q > openmetrics)
            openmetrics = q;
        else if (word_is(type, n, "text/plain") && q > plain)
            plain = q;
        else if ((word_is(type, n, "*/*") || word_is(type, n, "text/*")) && q > any)
            any = q;
        accept += strcspn(accept, ",");
        accept += *accept == ',';
    }
    /* What is as welcome is given in the format that has been there longer. */
    return openmetrics > (plain ? plain : any);
}
