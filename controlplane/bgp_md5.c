/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See bgp_md5.h. netstat has two lines per protocol, names and values.
 */
#include "controlplane/bgp_md5.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NETSTAT "/proc/thread-self/net/netstat"

static char *line_of(char *text, const char *start)
{
    char *line = strstr(text, start);

    return line && (line == text || line[-1] == '\n') ? line : NULL;
}

bool bgp_md5_parse(char *text, struct bgp_md5_counts *out)
{
    char *names = line_of(text, "TcpExt: "), *values, *name, *value, *name_at, *value_at;
    char *end = names ? strchr(names, '\n') : NULL;
    unsigned found = 0;

    *out = (struct bgp_md5_counts){0};
    if (!end || strncmp(end + 1, "TcpExt: ", 8) != 0)
        return false;
    *end = '\0';
    values = end + 1;
    values[strcspn(values, "\n")] = '\0';
    name = strtok_r(names, " ", &name_at);
    value = strtok_r(values, " ", &value_at);
    while (name && value) {
        uint64_t *to = strcmp(name, "TCPMD5NotFound") == 0     ? &out->missing
                       : strcmp(name, "TCPMD5Unexpected") == 0 ? &out->unexpected
                       : strcmp(name, "TCPMD5Failure") == 0    ? &out->wrong
                                                               : NULL;

        if (to) {
            *to = strtoull(value, NULL, 10);
            found++;
        }
        name = strtok_r(NULL, " ", &name_at);
        value = strtok_r(NULL, " ", &value_at);
    }
    return found > 0;
}

bool bgp_md5_read(struct bgp_md5_counts *out)
{
    char text[32768];
    size_t n = 0;
    ssize_t got = 1;
    int fd = open(NETSTAT, O_RDONLY | O_CLOEXEC);

    if (fd < 0)
        return false;
    while (n < sizeof(text) - 1 && (got = read(fd, text + n, sizeof(text) - 1 - n)) > 0)
        n += (size_t)got;
    close(fd);
    text[n] = '\0';
    return bgp_md5_parse(text, out);
}
