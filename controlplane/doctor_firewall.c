/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See doctor_firewall.h. A rule is cut into words; each condition that is understood says whether the packet
 * meets it. Any thread.
 */
#include "controlplane/doctor_firewall.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINE_LEN  1024
#define MAX_WORDS 64

enum meets { MEETS, MEETS_NOT, MEETS_MAYBE };
enum verdict { NOTHING, ACCEPT, DROP, ELSEWHERE };

struct words {
    char text[LINE_LEN];
    char *word[MAX_WORDS];
    unsigned n;
    bool cut; /* more than fit */
};

/* Commas, semicolons and quotes go; what is in quotes is one word: the text of a comment or a log line is no
 * verdict. */
static void split(const char *line, size_t len, struct words *w)
{
    static const char between[] = " \t,;";
    char *p = w->text;

    w->n = 0;
    w->cut = len >= LINE_LEN;
    if (w->cut)
        len = LINE_LEN - 1;
    memcpy(w->text, line, len);
    w->text[len] = '\0';
    for (p += strspn(p, between); *p; p += strspn(p, between)) {
        bool quoted = *p == '"';
        char *end;

        p += quoted;
        end = quoted ? p + strcspn(p, "\"") : p + strcspn(p, between);
        if (w->n == MAX_WORDS) {
            w->cut = true;
            return;
        }
        w->word[w->n++] = p;
        p = end + (*end != '\0');
        *end = '\0';
    }
}

static bool is(const struct words *w, unsigned i, const char *word)
{
    return i < w->n && strcmp(w->word[i], word) == 0;
}

/* "179", "100-200", "100:200" */
static enum meets port_word(const char *word, uint16_t port)
{
    char *end;
    unsigned long low = strtoul(word, &end, 10), high = low;

    if (end == word)
        return strcmp(word, "bgp") == 0 ? (port == 179 ? MEETS : MEETS_NOT) : MEETS_MAYBE;
    if (*end == '-' || *end == ':')
        high = strtoul(end + 1, &end, 10);
    if (*end)
        return MEETS_MAYBE;
    return port >= low && port <= high ? MEETS : MEETS_NOT;
}

static void either(enum meets *m, enum meets one)
{
    if (one == MEETS || (one == MEETS_MAYBE && *m == MEETS_NOT))
        *m = one;
}

/* One value or { several }, from word *i on, which goes to the last of them. */
static enum meets any_of(const struct words *w, unsigned *i, const struct doctor_packet *p,
                         enum meets (*meets)(const char *word, const struct doctor_packet *p))
{
    bool set = is(w, *i, "{"), invert = false;
    enum meets all = MEETS_NOT;

    if (is(w, *i, "!=")) {
        invert = true;
        ++*i;
        set = is(w, *i, "{");
    }
    for (*i += set; *i < w->n && !is(w, *i, "}"); ++*i) {
        either(&all, meets(w->word[*i], p));
        if (!set)
            break;
    }
    if (invert && all != MEETS_MAYBE)
        all = all == MEETS ? MEETS_NOT : MEETS;
    return all;
}

static enum meets by_port(const char *word, const struct doctor_packet *p)
{
    return port_word(word, p->port);
}

static enum meets by_protocol(const char *word, const struct doctor_packet *p)
{
    if (strcmp(word, "tcp") == 0 || strcmp(word, "6") == 0)
        return p->tcp ? MEETS : MEETS_NOT;
    if (strcmp(word, "udp") == 0 || strcmp(word, "17") == 0)
        return p->tcp ? MEETS_NOT : MEETS;
    return strncmp(word, "icmp", 4) == 0 || strstr(word, "icmp") ? MEETS_NOT : MEETS_MAYBE;
}

static enum meets by_interface(const char *word, const struct doctor_packet *p)
{
    size_t n = strlen(word);

    if (strcmp(word, "lo") == 0)
        return MEETS_NOT;
    if (!p->ifname[0])
        return MEETS_MAYBE;
    if (n && (word[n - 1] == '*' || word[n - 1] == '+'))
        return strncmp(word, p->ifname, n - 1) == 0 ? MEETS : MEETS_NOT;
    return strcmp(word, p->ifname) == 0 ? MEETS : MEETS_NOT;
}

/* It opens a connection. */
static enum meets by_state(const char *word, const struct doctor_packet *p)
{
    (void)p;
    return strcasecmp(word, "new") == 0 ? MEETS : MEETS_NOT;
}

struct chain {
    bool ours;            /* hooked where the packet comes by */
    enum verdict decided; /* of the chain; ELSEWHERE: not to be told */
    bool drops;           /* its policy */
};

static void note(struct doctor_firewall *f, enum doctor_pass pass, const char *line, size_t len)
{
    f->pass = pass;
    snprintf(f->rule, sizeof(f->rule), "%.*s", (int)(len < sizeof(f->rule) ? len : sizeof(f->rule) - 1),
             line);
}

/* What a rule of a base chain comes to for the packet. Each chain says yes before it passes, and the first
 * no is the end. */
static void apply(struct chain *c, enum meets m, enum verdict v, const char *line, size_t len,
                  struct doctor_firewall *f)
{
    if (!c->ours || c->decided != NOTHING || m == MEETS_NOT || v == NOTHING)
        return;
    if (m == MEETS_MAYBE || v == ELSEWHERE) {
        /* If it does the same as what follows, it makes no difference; that is not looked into. */
        c->decided = ELSEWHERE;
        if (f->pass == DOCTOR_PASS)
            note(f, DOCTOR_PASS_UNKNOWN, line, len);
        return;
    }
    c->decided = v;
    if (v == DROP && f->pass != DOCTOR_BLOCKED)
        note(f, DOCTOR_BLOCKED, line, len);
}

static void end_chain(struct chain *c, struct doctor_firewall *f, const char *where)
{
    char text[96];

    if (c->ours && c->decided == NOTHING && c->drops && f->pass != DOCTOR_BLOCKED) {
        snprintf(text, sizeof(text), "chain %s: policy drop, and no rule that accepts it", where);
        note(f, DOCTOR_BLOCKED, text, strlen(text));
    }
    *c = (struct chain){0};
}

static void worse(enum meets *m, enum meets one)
{
    if (one == MEETS_NOT || (one == MEETS_MAYBE && *m == MEETS))
        *m = one;
}

/* ---- nft */

static enum meets nft_other_family(const struct words *w, unsigned i)
{
    return is(w, i, "saddr") || is(w, i, "daddr") ? MEETS_MAYBE : MEETS_NOT;
}

/* Steps over what a log statement says, from its word "log" on. */
static unsigned nft_log(const struct words *w, unsigned i)
{
    while (is(w, i + 1, "prefix") || is(w, i + 1, "level") || is(w, i + 1, "group") ||
           is(w, i + 1, "snaplen") || is(w, i + 1, "queue-threshold"))
        i += 2;
    return i;
}

static bool is_state(const struct words *w, unsigned i)
{
    return is(w, i, "new") || is(w, i, "established") || is(w, i, "related") || is(w, i, "invalid") ||
           is(w, i, "untracked");
}

/* What follows "ct state", to the last of the states: { new, invalid }, or without braces. In a map each has
 * a verdict of its own, which is not looked at where it has one for ours. */
static enum meets nft_state(const struct words *w, unsigned *i, enum verdict *v)
{
    bool map = is(w, *i, "vmap"), invert = is(w, *i, "!="), named, ours = false;

    *i += map || invert;
    named = !is(w, *i, "{") && !is_state(w, *i);
    *i += is(w, *i, "{");
    for (; *i < w->n && (map || is_state(w, *i)); ++*i)
        ours = ours || is(w, *i, "new");
    if (!is(w, *i, "}"))
        --*i;
    if (map)
        *v = ELSEWHERE;
    if (named)
        return MEETS_MAYBE;
    return ours != invert ? MEETS : MEETS_NOT;
}

static void nft_rule(const struct words *w, const struct doctor_packet *p, enum meets *m, enum verdict *v)
{
    *m = w->cut ? MEETS_MAYBE : MEETS;
    *v = NOTHING;
    for (unsigned i = 0; i < w->n; i++) {
        bool tcp = is(w, i, "tcp"), th = is(w, i, "th");

        if (tcp || th || is(w, i, "udp")) {
            if (!th && tcp != p->tcp)
                worse(m, MEETS_NOT);
            if (is(w, i + 1, "dport"))
                i += 2, worse(m, any_of(w, &i, p, by_port));
            else
                i = w->n, worse(m, MEETS_MAYBE);
        } else if (is(w, i, "l4proto") || is(w, i, "protocol") || is(w, i, "nexthdr")) {
            i++, worse(m, any_of(w, &i, p, by_protocol));
        } else if (is(w, i, p->out ? "oifname" : "iifname") || is(w, i, p->out ? "oif" : "iif")) {
            i++, worse(m, any_of(w, &i, p, by_interface));
        } else if (is(w, i, "ct") && is(w, i + 1, "state")) {
            i += 2, worse(m, nft_state(w, &i, v));
        } else if (is(w, i, "icmp") || is(w, i, "icmpv6")) {
            worse(m, MEETS_NOT);
        } else if (is(w, i, "accept")) {
            *v = ACCEPT;
        } else if (is(w, i, "drop") || is(w, i, "reject")) {
            *v = DROP;
            break; /* what a reject answers with does not matter */
        } else if (is(w, i, "jump") || is(w, i, "goto") || is(w, i, "queue") || is(w, i, "vmap")) {
            *v = ELSEWHERE;
            break;
        } else if (is(w, i, "counter")) {
            if (is(w, i + 1, "packets"))
                i += 4;
        } else if (is(w, i, "comment")) {
            break;
        } else if (is(w, i, "log")) {
            i = nft_log(w, i);
        } else if (is(w, i, "meta")) {
            continue;
        } else if (is(w, i, "ip") || is(w, i, "ip6")) {
            if (!is(w, i + 1, "protocol") && !is(w, i + 1, "nexthdr"))
                worse(m, nft_other_family(w, i + 1));
        } else {
            worse(m, MEETS_MAYBE);
        }
    }
}

static bool nft_comes_by(const char *hook, const struct doctor_packet *p)
{
    return strcmp(hook, p->out ? "output" : "input") == 0 ||
           strcmp(hook, p->out ? "postrouting" : "prerouting") == 0;
}

/* True: the line says where the chain is hooked. */
static bool nft_hook(const struct words *w, const struct doctor_packet *p, struct chain *c)
{
    bool filter = false;

    if (!is(w, 0, "type"))
        return false;
    filter = is(w, 1, "filter");
    for (unsigned i = 0; i < w->n; i++) {
        if (is(w, i, "hook") && i + 1 < w->n)
            c->ours = filter && nft_comes_by(w->word[i + 1], p);
        if (is(w, i, "policy"))
            c->drops = is(w, i + 1, "drop");
    }
    return true;
}

struct doctor_firewall doctor_firewall_nft(const char *ruleset, const struct doctor_packet *p)
{
    struct doctor_firewall f = {.pass = DOCTOR_PASS};
    struct chain chain = {0};
    char name[64] = "";
    bool family = true, in_chain = false;
    struct words w;

    for (const char *line = ruleset; *line;) {
        size_t len = strcspn(line, "\n");
        const char *text = line + strspn(line, " \t");
        size_t n = len - (size_t)(text - line);
        enum meets m;
        enum verdict v;

        split(text, n, &w);
        line += len + (line[len] == '\n');
        if (is(&w, 0, "table")) {
            family = is(&w, 1, "ip") || is(&w, 1, "ip6") || is(&w, 1, "inet");
        } else if (is(&w, 0, "chain")) {
            in_chain = family;
            snprintf(name, sizeof(name), "%s", w.n > 1 ? w.word[1] : "");
        } else if (is(&w, 0, "}") && w.n == 1) {
            end_chain(&chain, &f, name);
            in_chain = false;
        } else if (in_chain && w.n > 0 && !nft_hook(&w, p, &chain)) {
            nft_rule(&w, p, &m, &v);
            apply(&chain, m, v, text, n, &f);
        }
    }
    return f;
}

/* ---- iptables */

static enum verdict iptables_target(const char *name)
{
    if (strcmp(name, "ACCEPT") == 0)
        return ACCEPT;
    if (strcmp(name, "DROP") == 0 || strcmp(name, "REJECT") == 0)
        return DROP;
    return strcmp(name, "LOG") == 0 ? NOTHING : ELSEWHERE;
}

/* Several values, from word *i on, which goes to the last of them. */
static enum meets listed(const struct words *w, unsigned *i, const struct doctor_packet *p,
                         enum meets (*meets)(const char *word, const struct doctor_packet *p))
{
    enum meets all = MEETS_NOT;

    for (; *i < w->n && w->word[*i][0] != '-'; ++*i)
        either(&all, meets(w->word[*i], p));
    --*i;
    return all;
}

static void iptables_rule(const struct words *w, const struct doctor_packet *p, enum meets *m,
                          enum verdict *v)
{
    *m = w->cut ? MEETS_MAYBE : MEETS;
    *v = NOTHING;
    for (unsigned i = 2; i < w->n; i++) {
        unsigned value = i + 1;

        if (value == w->n || is(w, i, "!")) {
            worse(m, MEETS_MAYBE);
        } else if (is(w, i, "-p")) {
            worse(m, by_protocol(w->word[value], p));
        } else if (is(w, i, "--dport")) {
            worse(m, port_word(w->word[value], p->port));
        } else if (is(w, i, "--dports")) {
            worse(m, listed(w, &value, p, by_port));
        } else if (is(w, i, p->out ? "-o" : "-i")) {
            worse(m, by_interface(w->word[value], p));
        } else if (is(w, i, "--ctstate") || is(w, i, "--state")) {
            worse(m, listed(w, &value, p, by_state));
        } else if (is(w, i, "-j") || is(w, i, "-g")) {
            *v = iptables_target(w->word[value]);
            return; /* the target's own options follow */
        } else if (!is(w, i, "-m") && !is(w, i, "--comment")) {
            worse(m, MEETS_MAYBE);
        }
        i = value;
    }
}

struct doctor_firewall doctor_firewall_iptables(const char *rules, const struct doctor_packet *p)
{
    struct doctor_firewall f = {.pass = DOCTOR_PASS};
    struct chain chain = {.ours = true};
    const char *name = p->out ? "OUTPUT" : "INPUT";
    struct words w;

    for (const char *line = rules; *line;) {
        size_t len = strcspn(line, "\n");
        enum meets m;
        enum verdict v;

        split(line, len, &w);
        if (is(&w, 0, "-P") && is(&w, 1, name)) {
            chain.drops = is(&w, 2, "DROP");
        } else if (is(&w, 0, "-A") && is(&w, 1, name)) {
            iptables_rule(&w, p, &m, &v);
            apply(&chain, m, v, line, len, &f);
        }
        line += len + (line[len] == '\n');
    }
    end_chain(&chain, &f, name);
    return f;
}
