/* SPDX-License-Identifier: BSD-3-Clause
 *
 * TCP connections that notice everything: both ends send numbered blocks of known content at a fixed
 * interval, compare each received byte with what must come, and keep the longest time in which nothing came.
 * Runs as the one program of a virtual machine (linked statically, tests/e2e/vm.py) and on the hosts that
 * talk to it.
 *
 *     vm_peer [-l PORT] [-c ADDRESS,PORT,INTERVAL_US,SIZE]...
 *
 * -l accepts connections (IPv4 and IPv6), which run at the rate that the other end asks for; -c makes one,
 * trying until the other end is there. Commands on stdin, one per line: `report` prints a line of JSON,
 * `mark` forgets the longest silence so far, `end` ends all connections in order: each end says how many
 * blocks it sent and waits for the same from the other. At the end of stdin it goes on.
 *
 * A connection that breaks, or a block that is wrong, is never repaired: it stays in the report as broken.
 * Each block says how much its sender has received and found wrong, so that one end's report speaks for both.
 */
#include <arpa/inet.h>
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define MAX_CONNECTIONS 32
#define MAX_BLOCK       65536
#define BLOCK_MAGIC     0x43575650 /* CWVP */
#define RETRY_NS        20000000
#define SECOND_NS       1000000000

enum state { S_UNUSED, S_CONNECTING, S_OPEN, S_ENDED, S_BROKEN };
static const char *const state_names[] = {"unused", "connecting", "open", "ended", "broken"};

/* All fields big-endian on the wire. The accepting end takes stream, interval and size from the first block.
 */
struct block {
    uint32_t magic;
    uint32_t size; /* with this header */
    uint64_t stream;
    uint64_t number;
    uint64_t received; /* by the sender of this block, so far */
    uint32_t bad;      /* likewise */
    uint32_t interval_us;
    uint32_t last; /* 1: no more blocks come */
    uint32_t sum;  /* of the header up to here */
};

struct connection {
    enum state state;
    bool accepted;
    int fd;
    struct sockaddr_in6 to;
    char peer[INET6_ADDRSTRLEN + 8];
    char error[96];
    uint64_t stream;
    uint32_t interval_us, size;
    int64_t next_ns;
    uint64_t sent, received, peer_received;
    uint32_t bad, peer_bad;
    bool end_sent, end_received;
    int64_t last_ns, longest_ns, longest_at_ns;
    size_t in, out_at, out_len;
    uint8_t in_buf[MAX_BLOCK], out_buf[MAX_BLOCK];
};

static struct connection connections[MAX_CONNECTIONS];
static bool ending;

static int64_t now_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * (int64_t)SECOND_NS + t.tv_nsec;
}

static struct connection *new_connection(void)
{
    for (int i = 0; i < MAX_CONNECTIONS; i++)
        if (connections[i].state == S_UNUSED)
            return &connections[i];
    return NULL;
}

static void broken(struct connection *c, const char *what, int error)
{
    c->state = S_BROKEN;
    snprintf(c->error, sizeof(c->error), "%s%s%s", what, error ? ": " : "", error ? strerror(error) : "");
    fprintf(stderr, "vm_peer: connection with %s is broken: %s\n", c->peer, c->error);
    close(c->fd);
}

static void set_peer(struct connection *c)
{
    char text[INET6_ADDRSTRLEN];
    const char *address = inet_ntop(AF_INET6, &c->to.sin6_addr, text, sizeof(text));

    if (address && strncmp(address, "::ffff:", 7) == 0 && strchr(address, '.'))
        address += 7;
    snprintf(c->peer, sizeof(c->peer), "%s,%u", address ? address : "?", ntohs(c->to.sin6_port));
}

/* ---- blocks */

/* Content depends on the stream, the direction and the number: a block that is repeated, left out or put into
 * another connection is as wrong as one with a flipped bit. */
static void fill(uint8_t *to, size_t n, uint64_t stream, bool from_acceptor, uint64_t number)
{
    uint64_t x = (stream ^ (number + 1) * 0x9e3779b97f4a7c15u ^ (from_acceptor ? 0x5555u : 0)) | 1;

    for (size_t i = 0; i < n; i += 8) {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        memcpy(to + i, &x, n - i < 8 ? n - i : 8);
    }
}

static uint32_t header_sum(const struct block *b)
{
    const uint8_t *p = (const uint8_t *)b;
    uint32_t h = 2166136261u;

    for (size_t i = 0; i < offsetof(struct block, sum); i++)
        h = (h ^ p[i]) * 16777619u;
    return h;
}

static void make_block(struct connection *c)
{
    struct block b = {.magic = htobe32(BLOCK_MAGIC),
                      .size = htobe32(c->size),
                      .stream = htobe64(c->stream),
                      .number = htobe64(c->sent),
                      .received = htobe64(c->received),
                      .bad = htobe32(c->bad),
                      .interval_us = htobe32(c->interval_us),
                      .last = htobe32(ending || c->end_received)};

    b.sum = htobe32(header_sum(&b));
    memcpy(c->out_buf, &b, sizeof(b));
    fill(c->out_buf + sizeof(b), c->size - sizeof(b), c->stream, c->accepted, c->sent);
    c->out_at = 0;
    c->out_len = c->size;
    c->end_sent = b.last != 0;
    c->sent++;
}

/* Is the whole block at the start of in_buf what must come now? */
static bool block_is_right(const struct connection *c, const struct block *b)
{
    static uint8_t want[MAX_BLOCK];
    size_t n = c->size - sizeof(*b);

    if (be64toh(b->stream) != c->stream || be64toh(b->number) != c->received || be32toh(b->size) != c->size)
        return false;
    fill(want, n, c->stream, !c->accepted, c->received);
    return memcmp(c->in_buf + sizeof(*b), want, n) == 0;
}

static void heard(struct connection *c, int64_t now)
{
    if (c->last_ns && now - c->last_ns > c->longest_ns) {
        c->longest_ns = now - c->last_ns;
        c->longest_at_ns = c->last_ns;
    }
    c->last_ns = now;
}

/* Takes one block from in_buf; false when there is no whole one, or the connection is over. */
static bool take_block(struct connection *c, int64_t now)
{
    struct block b;
    uint32_t size;

    if (c->state != S_OPEN || c->in < sizeof(b))
        return false;
    memcpy(&b, c->in_buf, sizeof(b));
    size = be32toh(b.size);
    if (be32toh(b.magic) != BLOCK_MAGIC || be32toh(b.sum) != header_sum(&b) || size < sizeof(b) ||
        size > MAX_BLOCK) {
        c->bad++;
        broken(c, "a block header is wrong", 0);
        return false;
    }
    if (c->in < size)
        return false;
    if (c->accepted && c->received == 0) {
        c->stream = be64toh(b.stream);
        c->size = size;
        c->interval_us = be32toh(b.interval_us);
        c->next_ns = now;
    }
    if (c->end_received || !block_is_right(c, &b)) {
        c->bad++;
        broken(c, "a block is wrong", 0);
        return false;
    }
    heard(c, now);
    c->received++;
    c->peer_received = be64toh(b.received);
    c->peer_bad = be32toh(b.bad);
    c->end_received = be32toh(b.last) != 0;
    c->in -= size;
    memmove(c->in_buf, c->in_buf + size, c->in);
    return true;
}

/* ---- sockets */

static bool all_said(const struct connection *c)
{
    return c->end_sent && c->out_at == c->out_len;
}

/* One read a turn, so that sending has its turn too on a machine that is slow. After the other end's last
 * block the end of the connection is looked for only when ours is on its way too. */
static void receive(struct connection *c)
{
    ssize_t n;

    if (c->end_received && !all_said(c))
        return;
    n = recv(c->fd, c->in_buf + c->in, sizeof(c->in_buf) - c->in, 0);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n == 0 && c->end_received && c->in == 0) {
        c->state = S_ENDED;
        close(c->fd);
        return;
    }
    if (n <= 0) {
        broken(c, n ? "recv" : "closed by the other end", n ? errno : 0);
        return;
    }
    c->in += (size_t)n;
    for (int64_t now = now_ns(); take_block(c, now);)
        ;
}

static void transmit(struct connection *c, int64_t now)
{
    if (c->out_at == c->out_len && c->interval_us && !c->end_sent && now >= c->next_ns) {
        make_block(c);
        c->next_ns += c->interval_us * (int64_t)1000;
        if (c->next_ns < now) /* late: what was missed is not made up for */
            c->next_ns = now;
    }
    while (c->out_at < c->out_len) {
        ssize_t n = send(c->fd, c->out_buf + c->out_at, c->out_len - c->out_at, MSG_NOSIGNAL);

        if (n < 0) {
            if (errno != EAGAIN && errno != EINTR)
                broken(c, "send", errno);
            return;
        }
        c->out_at += (size_t)n;
    }
    if (c->end_sent && c->out_at && c->out_at == c->out_len) {
        shutdown(c->fd, SHUT_WR);
        c->out_at = c->out_len = 0;
    }
}

static void start_connecting(struct connection *c, int64_t now)
{
    int one = 1;

    c->fd = socket(AF_INET6, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    c->next_ns = now + RETRY_NS;
    if (c->fd < 0)
        return;
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    if (connect(c->fd, (struct sockaddr *)&c->to, sizeof(c->to)) < 0 && errno != EINPROGRESS) {
        close(c->fd);
        c->fd = -1;
    }
}

static void finish_connecting(struct connection *c)
{
    int error = 0;
    socklen_t len = sizeof(error);

    getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &len);
    if (error) {
        close(c->fd);
        c->fd = -1;
        return;
    }
    c->state = S_OPEN;
    c->next_ns = now_ns();
}

static void accept_one(int listener)
{
    struct sockaddr_in6 from;
    socklen_t len = sizeof(from);
    int one = 1, fd = accept4(listener, (struct sockaddr *)&from, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
    struct connection *c = fd >= 0 ? new_connection() : NULL;

    if (!c) {
        if (fd >= 0)
            close(fd);
        return;
    }
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    *c = (struct connection){
        .state = S_OPEN, .accepted = true, .fd = fd, .to = from, .size = sizeof(struct block)};
    set_peer(c);
    fprintf(stderr, "vm_peer: connection from %s\n", c->peer);
}

static int listen_on(const char *port)
{
    struct sockaddr_in6 at = {.sin6_family = AF_INET6, .sin6_port = htons((uint16_t)atoi(port))};
    int fd = socket(AF_INET6, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), one = 1;

    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
    if (bind(fd, (struct sockaddr *)&at, sizeof(at)) < 0 || listen(fd, MAX_CONNECTIONS) < 0) {
        perror("vm_peer: listen");
        exit(1);
    }
    return fd;
}

/* ---- what it is told, and tells */

static bool add_client(const char *spec)
{
    struct connection *c = new_connection();
    char address[64], mapped[80];
    unsigned port, interval_us, size;

    if (!c || sscanf(spec, "%63[^,],%u,%u,%u", address, &port, &interval_us, &size) != 4 || !interval_us ||
        size < sizeof(struct block) || size > MAX_BLOCK)
        return false;
    snprintf(mapped, sizeof(mapped), "%s%s", strchr(address, ':') ? "" : "::ffff:", address);
    *c = (struct connection){.state = S_CONNECTING, .fd = -1, .interval_us = interval_us, .size = size};
    c->to.sin6_family = AF_INET6;
    c->to.sin6_port = htons((uint16_t)port);
    if (getrandom(&c->stream, sizeof(c->stream), 0) != sizeof(c->stream) ||
        inet_pton(AF_INET6, mapped, &c->to.sin6_addr) != 1)
        return false;
    set_peer(c);
    return true;
}

static void report(void)
{
    int64_t now = now_ns();
    const char *comma = "";

    printf("{\"now_ns\": %" PRId64 ", \"connections\": [", now);
    for (int i = 0; i < MAX_CONNECTIONS; i++) {
        struct connection *c = &connections[i];
        struct tcp_info info = {0};
        socklen_t len = sizeof(info);

        if (c->state == S_UNUSED)
            continue;
        if (c->state == S_OPEN) {
            getsockopt(c->fd, IPPROTO_TCP, TCP_INFO, &info, &len);
            if (c->last_ns && now - c->last_ns > c->longest_ns) { /* the one that is not over yet */
                c->longest_ns = now - c->last_ns;
                c->longest_at_ns = c->last_ns;
            }
        }
        printf("%s{\"peer\": \"%s\", \"accepted\": %s, \"state\": \"%s\", \"error\": \"%s\", \"block\": %u, "
               "\"interval_us\": %u, "
               "\"sent\": %" PRIu64 ", \"received\": %" PRIu64 ", \"bad\": %u, \"peer_received\": %" PRIu64
               ", \"peer_bad\": %u, \"longest_ns\": %" PRId64 ", \"longest_at_ns\": %" PRId64
               ", \"retransmits\": %u}",
               comma, c->peer, c->accepted ? "true" : "false", state_names[c->state], c->error, c->size,
               c->interval_us, c->sent, c->received, c->bad, c->peer_received, c->peer_bad, c->longest_ns,
               c->longest_at_ns, info.tcpi_total_retrans);
        comma = ", ";
    }
    printf("]}\n");
}

static bool command(void)
{
    char line[64];

    if (!fgets(line, sizeof(line), stdin))
        return false;
    if (strcmp(line, "report\n") == 0)
        report();
    else if (strcmp(line, "end\n") == 0)
        ending = true;
    else if (strcmp(line, "mark\n") == 0)
        for (int i = 0; i < MAX_CONNECTIONS; i++)
            connections[i].longest_ns = 0;
    return true;
}

/* ---- the loop */

/* When this connection wants to send next. */
static int64_t due(const struct connection *c)
{
    if (c->state == S_CONNECTING)
        return c->next_ns;
    if (c->state == S_OPEN && c->out_at == c->out_len && c->interval_us && !c->end_sent)
        return c->next_ns;
    return INT64_MAX;
}

static void serve(struct connection *c, short events)
{
    int64_t now = now_ns();

    if (c->state == S_CONNECTING) {
        if (c->fd >= 0 && (events & (POLLOUT | POLLERR | POLLHUP)))
            finish_connecting(c);
        else if (c->fd < 0 && now >= c->next_ns)
            start_connecting(c, now);
        return;
    }
    if (c->state == S_OPEN && (events & (POLLIN | POLLERR | POLLHUP)))
        receive(c);
    if (c->state == S_OPEN)
        transmit(c, now);
}

static void turn(int listener, bool *commands)
{
    struct pollfd fds[MAX_CONNECTIONS + 2] = {{.fd = *commands ? 0 : -1, .events = POLLIN},
                                              {.fd = listener, .events = POLLIN}};
    int64_t next = now_ns() + SECOND_NS, wait;
    struct timespec timeout;

    for (int i = 0; i < MAX_CONNECTIONS; i++) {
        const struct connection *c = &connections[i];
        bool active = c->state == S_CONNECTING || c->state == S_OPEN;

        fds[i + 2].fd = active ? c->fd : -1;
        fds[i + 2].events =
            c->state == S_CONNECTING ? POLLOUT : (!c->end_received || all_said(c) ? POLLIN : 0);
        if (c->state == S_OPEN && c->out_at < c->out_len)
            fds[i + 2].events |= POLLOUT;
        if (due(c) < next && !(c->state == S_CONNECTING && c->fd >= 0))
            next = due(c);
    }
    wait = next - now_ns();
    wait = wait < 0 ? 0 : wait;
    timeout = (struct timespec){wait / SECOND_NS, wait % SECOND_NS};
    if (ppoll(fds, MAX_CONNECTIONS + 2, &timeout, NULL) < 0)
        return;
    if (fds[0].revents)
        *commands = command();
    if (fds[1].revents)
        accept_one(listener);
    for (int i = 0; i < MAX_CONNECTIONS; i++)
        serve(&connections[i], fds[i + 2].revents);
}

int main(int argc, char **argv)
{
    int option, listener = -1;
    bool commands = true;

    setlinebuf(stdout);
    setvbuf(stdin, NULL, _IONBF, 0); /* what is buffered, poll() does not see */
    while ((option = getopt(argc, argv, "l:c:")) != -1) {
        if (option == 'l') {
            listener = listen_on(optarg);
        } else if (option != 'c' || !add_client(optarg)) {
            fprintf(stderr, "usage: vm_peer [-l PORT] [-c ADDRESS,PORT,INTERVAL_US,SIZE]...\n");
            return 2;
        }
    }
    for (;;)
        turn(listener, &commands);
}
