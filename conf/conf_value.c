/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See conf_value.h. Any thread.
 */
#include "conf/conf_value.h"

#include "conf/conf_rt.h"

#include <ctype.h>
#include <stdlib.h>

/* "KEY: WHY, expected what the field says". False, as the readers return it. */
static bool wrong(struct conf_reader *r, const struct conf_node *n, const struct conf_field *f,
                  const char *why)
{
    char found[CONF_QUOTE_LEN];

    conf_report_add(r->report, n->at, "%s: %s %s, expected %s", f->key, conf_quote(n->text, n->len, found),
                    why, f->expect);
    return false;
}

/* ---- names */

static bool copy_cut(char *out, size_t size, const char *text, size_t len)
{
    size_t n = len < size ? len : size - 1;

    memcpy(out, text, n);
    out[n] = '\0';
    return n == len;
}

bool conf_read_reference(struct conf_reader *r, const struct conf_node *n, const struct conf_field *f,
                         void *out)
{
    size_t len;
    const char *text = conf_scalar(r, n, f, &len);

    if (!text)
        return false;
    if (len == 0)
        return wrong(r, n, f, "is empty");
    /* Too long for a name: cannot exist. Said here, since a cut name might. */
    if (!copy_cut(out, CONF_NAME_LEN, text, len))
        return wrong(r, n, f, "is too long");
    return true;
}

bool conf_read_name(struct conf_reader *r, const struct conf_node *n, const struct conf_field *f, void *out)
{
    size_t len;
    const char *text = conf_scalar(r, n, f, &len);

    if (!text)
        return false;
    if (len == 0)
        return wrong(r, n, f, "is empty");
    if (!copy_cut(out, CONF_NAME_LEN, text, len))
        return wrong(r, n, f, "is too long");
    for (size_t i = 0; i < len; i++) {
        if (!isalnum((unsigned char)text[i]) && !strchr("._-", text[i]))
            return wrong(r, n, f, "has characters that a name cannot have");
        if (text[i] == '\0')
            return wrong(r, n, f, "has a NUL character");
    }
    return true;
}

/* ---- devices */

/* Printable ASCII that needs no escape between double quotes, so that conf_print() needs none either. */
static bool is_plain(char c)
{
    return c >= ' ' && c <= '~' && c != '"' && c != '\\';
}
#define PLAIN_FAULT "has characters other than printable ASCII, or double quotes or backslashes"

/* What the kernel takes (dev_valid_name), less '%', which would make it number the device, and less what
 * needs escapes. */
static const char *interface_fault(const char *text, size_t len)
{
    if (len == 0)
        return "is empty";
    if (len >= IFACE_NAMELEN)
        return "is too long for an interface name";
    if (strcmp(text, ".") == 0 || strcmp(text, "..") == 0)
        return "is no interface name";
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text[i];

        if (c <= ' ' || c > '~' || strchr("/:%\"\\", c))
            return "has characters that an interface name cannot have";
    }
    return NULL;
}

static bool set_port(struct conf_port *port, enum conf_port_kind kind, const char *text)
{
    port->kind = kind;
    snprintf(port->device, sizeof(port->device), "%s", text);
    return true;
}

bool conf_read_interface(struct conf_reader *r, const struct conf_node *n, const struct conf_field *f,
                         void *out)
{
    size_t len;
    const char *text = conf_scalar(r, n, f, &len);
    const char *fault = text ? interface_fault(text, len) : NULL;

    if (!text)
        return false;
    return fault ? wrong(r, n, f, fault) : set_port(out, CONF_PORT_INTERFACE, text);
}

bool conf_read_tap(struct conf_reader *r, const struct conf_node *n, const struct conf_field *f, void *out)
{
    size_t len;
    const char *text = conf_scalar(r, n, f, &len);
    const char *fault = text ? interface_fault(text, len) : NULL;

    if (!text)
        return false;
    return fault ? wrong(r, n, f, fault) : copy_cut(out, IFACE_NAMELEN, text, len);
}

/* Reads up to max hexadecimal digits; false when there is none or one more. */
static bool hex_field(const char **p, unsigned max, unsigned *out)
{
    unsigned n = 0;

    *out = 0;
    for (; isxdigit((unsigned char)**p); (*p)++, n++) {
        int c = tolower((unsigned char)**p);

        if (n == max)
            return false;
        *out = *out << 4 | (unsigned)(isdigit(c) ? c - '0' : c - 'a' + 10);
    }
    return n > 0;
}

/* DOMAIN:BUS:DEVICE.FUNCTION, or without the domain, which is then 0000. */
static bool pci_parse(const char *p, char *out, size_t size)
{
    unsigned field[3] = {0}, function, n = 0;

    do {
        if (n == 3 || !hex_field(&p, n == 0 ? 4 : 2, &field[n]))
            return false;
        n++;
    } while (*p++ == ':');
    if (p[-1] != '.' || n < 2 || *p < '0' || *p > '7' || p[1] != '\0')
        return false;
    function = (unsigned)(*p - '0');
    if (n == 2) {
        field[2] = field[1];
        field[1] = field[0];
        field[0] = 0;
    }
    if (field[1] > 0xff || field[2] > 0x1f)
        return false;
    snprintf(out, size, "%04x:%02x:%02x.%u", field[0], field[1], field[2], function);
    return true;
}

bool conf_read_pci(struct conf_reader *r, const struct conf_node *n, const struct conf_field *f, void *out)
{
    char address[32];
    size_t len;
    const char *text = conf_scalar(r, n, f, &len);

    if (!text)
        return false;
    if (strlen(text) != len || !pci_parse(text, address, sizeof(address)))
        return wrong(r, n, f, "is no PCI address");
    return set_port(out, CONF_PORT_PCI, address);
}

bool conf_read_vdev(struct conf_reader *r, const struct conf_node *n, const struct conf_field *f, void *out)
{
    static const char *const prefixes[] = {"net_", "eth_", "virtio_user"};
    size_t len, name_len = 0;
    const char *text = conf_scalar(r, n, f, &len);
    bool driver = false;

    if (!text)
        return false;
    if (len >= CONF_DEVARGS_LEN)
        return wrong(r, n, f, "is too long");
    for (size_t i = 0; i < len; i++) {
        if (!is_plain(text[i]))
            return wrong(r, n, f, PLAIN_FAULT);
    }
    while (isalnum((unsigned char)text[name_len]) || text[name_len] == '_')
        name_len++;
    for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++)
        driver |= name_len > strlen(prefixes[i]) && strncmp(text, prefixes[i], strlen(prefixes[i])) == 0;
    if (!driver || (text[name_len] != '\0' && text[name_len] != ','))
        return wrong(r, n, f, "does not start with a DPDK network driver");
    return set_port(out, CONF_PORT_DPDK, text);
}

bool conf_read_path(struct conf_reader *r, const struct conf_node *n, const struct conf_field *f, void *out)
{
    size_t len;
    const char *text = conf_scalar(r, n, f, &len);

    if (!text)
        return false;
    if (text[0] != '/' || text[len - 1] == '/')
        return wrong(r, n, f, "is not the absolute path of a file");
    for (size_t i = 0; i < len; i++) {
        if (!is_plain(text[i]))
            return wrong(r, n, f, PLAIN_FAULT);
    }
    return copy_cut(out, CONF_PATH_LEN, text, len) || wrong(r, n, f, "is too long");
}

/* ---- addresses */

bool conf_read_mac(struct conf_reader *r, const struct conf_node *n, const struct conf_field *f, void *out)
{
    struct mac mac;
    size_t len;
    const char *text = conf_scalar(r, n, f, &len);

    if (!text)
        return false;
    if (strlen(text) != len || !mac_parse(text, &mac))
        return wrong(r, n, f, "is no MAC address");
    if (mac_is_zero(mac))
        return wrong(r, n, f, "is the zero address, which no host has");
    if (mac_is_group(mac))
        return wrong(r, n, f, "is a group address (multicast or broadcast)");
    *(struct mac *)out = mac;
    return true;
}

static bool is_link_local6(const struct ipaddr *a)
{
    return a->family == 6 && a->b[0] == 0xfe && (a->b[1] & 0xc0) == 0x80;
}

/* Why this address cannot be a VTEP's, or NULL. */
static const char *vtep_fault(const struct ipaddr *a)
{
    if (!ipaddr_is_vtep(a))
        return "is not the unicast address of a host";
    if (is_link_local6(a))
        return "is a link-local address, which no other site can reach";
    return NULL;
}

bool conf_read_vtep(struct conf_reader *r, const struct conf_node *n, const struct conf_field *f, void *out)
{
    struct ipaddr a;
    const char *fault;
    size_t len;
    const char *text = conf_scalar(r, n, f, &len);

    if (!text)
        return false;
    if (strlen(text) != len || !ipaddr_parse(text, &a))
        return wrong(r, n, f, "is no IP address");
    fault = vtep_fault(&a);
    if (fault)
        return wrong(r, n, f, fault);
    *(struct ipaddr *)out = a;
    return true;
}

bool conf_read_own(struct conf_reader *r, const struct conf_node *n, const struct conf_field *f, void *out)
{
    struct conf_underlay *u = (struct conf_underlay *)((char *)out - offsetof(struct conf_underlay, address));
    struct ipprefix p;
    const char *fault;
    size_t len;
    const char *text = conf_scalar(r, n, f, &len);

    if (!text)
        return false;
    if (strlen(text) != len || !ipprefix_parse(text, &p))
        return wrong(r, n, f, "is no IP address");
    fault = p.len == 0 ? "has prefix length 0" : vtep_fault(&p.addr);
    if (fault)
        return wrong(r, n, f, fault);
    u->address = p.addr;
    u->prefix_len = p.len;
    return true;
}

bool conf_read_prefix(struct conf_reader *r, const struct conf_node *n, const struct conf_field *f, void *out)
{
    struct ipprefix p, net;
    char found[CONF_QUOTE_LEN], addr[IPADDR_STRLEN];
    size_t len;
    const char *text = conf_scalar(r, n, f, &len);

    if (!text)
        return false;
    if (strlen(text) != len || !ipprefix_parse(text, &p))
        return wrong(r, n, f, "is no IP prefix");
    if (p.len == 0xff)
        return wrong(r, n, f, "has no prefix length");
    net = p;
    for (unsigned bit = p.len; bit < 128; bit++)
        net.addr.b[bit / 8] &= (uint8_t) ~(0x80u >> (bit % 8));
    if (!ipaddr_eq(&net.addr, &p.addr)) {
        conf_report_add(r->report, n->at, "%s: %s has bits set behind its prefix length, expected %s/%u",
                        f->key, conf_quote(text, len, found), ipaddr_format(&net.addr, addr), p.len);
        return false;
    }
    *(struct ipprefix *)out = p;
    return true;
}

bool conf_read_via(struct conf_reader *r, const struct conf_node *n, const struct conf_field *f, void *out)
{
    struct ipaddr a;
    size_t len;
    const char *text = conf_scalar(r, n, f, &len);

    if (!text)
        return false;
    if (strlen(text) != len || !ipaddr_parse(text, &a))
        return wrong(r, n, f, "is no IP address");
    if (!ipaddr_is_vtep(&a))
        return wrong(r, n, f, "is not the unicast address of a router");
    *(struct ipaddr *)out = a;
    return true;
}

/* ADDR:PORT or [ADDR]:PORT. */
static bool listen_parse(const char *text, struct ipaddr *addr, uint16_t *port)
{
    char host[IPADDR_STRLEN + 2];
    const char *colon = strrchr(text, ':');
    size_t n = colon ? (size_t)(colon - text) : sizeof(host);
    bool brackets;
    unsigned long v;
    char *end;

    if (n == 0 || n >= sizeof(host))
        return false;
    memcpy(host, text, n);
    host[n] = '\0';
    brackets = host[0] == '[' && host[n - 1] == ']';
    if (brackets)
        host[n - 1] = '\0';
    if (!ipaddr_parse(host + brackets, addr) || (addr->family == 6) != brackets)
        return false;
    if (!isdigit((unsigned char)colon[1]) || colon[1] == '0')
        return false;
    v = strtoul(colon + 1, &end, 10);
    if (*end != '\0' || v > UINT16_MAX)
        return false;
    *port = (uint16_t)v;
    return true;
}

bool conf_read_listen(struct conf_reader *r, const struct conf_node *n, const struct conf_field *f, void *out)
{
    struct conf *c = (struct conf *)((char *)out - offsetof(struct conf, metrics_address));
    struct ipaddr a;
    uint16_t port;
    size_t len;
    const char *text;

    /* Without quotes YAML reads [::1]:9469 as a list. */
    if (n->kind == CONF_NODE_LIST) {
        conf_report_add(r->report, n->at, "%s: found a list, expected %s, in quotes", f->key, f->expect);
        return false;
    }
    text = conf_scalar(r, n, f, &len);
    if (!text)
        return false;
    if (strlen(text) != len || !listen_parse(text, &a, &port))
        return wrong(r, n, f, "is no address and port");
    if ((a.family == 4 && a.b[0] >= 224) || (a.family == 6 && a.b[0] == 0xff))
        return wrong(r, n, f, "is a multicast address");
    c->metrics_address = a;
    c->metrics_port = port;
    return true;
}

/* ---- BGP */

bool conf_read_router_id(struct conf_reader *r, const struct conf_node *n, const struct conf_field *f,
                         void *out)
{
    struct ipaddr a;
    size_t len;
    const char *text = conf_scalar(r, n, f, &len);
    uint32_t id;

    if (!text)
        return false;
    if (strlen(text) != len || !ipaddr_parse(text, &a) || a.family != 4)
        return wrong(r, n, f, "is not in IPv4 form");
    id = (uint32_t)a.b[0] << 24 | (uint32_t)a.b[1] << 16 | (uint32_t)a.b[2] << 8 | a.b[3];
    if (id == 0)
        return wrong(r, n, f, "is 0, which no router has (RFC 6286)");
    *(uint32_t *)out = id;
    return true;
}

bool conf_read_password(struct conf_reader *r, const struct conf_node *n, const struct conf_field *f,
                        void *out)
{
    size_t len;
    const char *text = conf_scalar(r, n, f, &len);
    const char *fault = NULL;

    if (!text)
        return false;
    if (len == 0)
        fault = "the text is empty";
    else if (len >= CONF_PASSWORD_LEN)
        fault = "the text is too long";
    else if (strcmp(text, CONF_MASK) == 0)
        fault = CONF_MASK " only stands where one was not shown";
    for (size_t i = 0; i < len && !fault; i++) {
        if (text[i] < ' ' || text[i] > '~')
            fault = "the text has characters other than printable ASCII";
    }
    if (!fault)
        return copy_cut(out, CONF_PASSWORD_LEN, text, len);
    conf_report_add(r->report, n->at, "%s: %s, expected %s", f->key, fault, f->expect);
    return false;
}

bool conf_read_rd(struct conf_reader *r, const struct conf_node *n, const struct conf_field *f, void *out)
{
    size_t len;
    const char *text = conf_scalar(r, n, f, &len);
    const char *fault;

    if (!text)
        return false;
    if (strcmp(text, "auto") == 0 && len == 4)
        return true;
    fault = strlen(text) == len ? conf_rd_parse(text, out) : "has a NUL character";
    return fault ? wrong(r, n, f, fault) : true;
}

bool conf_read_rt(struct conf_reader *r, const struct conf_node *n, const struct conf_field *f, void *out)
{
    size_t len;
    const char *text = conf_scalar(r, n, f, &len);
    const char *fault;

    if (!text)
        return false;
    fault = strlen(text) == len ? conf_rt_parse(text, out) : "has a NUL character";
    return fault ? wrong(r, n, f, fault) : true;
}

bool conf_read_targets(struct conf_reader *r, const struct conf_node *n, const struct conf_field *f,
                       void *out)
{
    if (n->kind == CONF_NODE_SCALAR && strcmp(n->text, "auto") == 0 && n->len == 4)
        return true;
    return conf_read_map(r, n, f, out);
}

_Static_assert(offsetof(struct conf_fastpath, mode) == 0, "what the one word is");

bool conf_read_fastpath(struct conf_reader *r, const struct conf_node *n, const struct conf_field *f,
                        void *out)
{
    return n->kind == CONF_NODE_MAP ? conf_read_map(r, n, f, out) : conf_read_number(r, n, f, out);
}
