/* Stands in for Sysmon where eBPF is not to be had: hands messages to syslog(3) exactly as Sysmon does.
 * Usage: sysmon FILE, where FILE holds messages, each ended by a NUL.
 * Source: microsoft/SysmonForLinux, sysmonforlinux.c: openlog("sysmon", LOG_NOWAIT, LOG_USER), LOG_USER | LOG_INFO, "%s". */
#include <stdio.h>
#include <stdlib.h>
#include <syslog.h>

int main(int argc, char **argv)
{
    FILE *messages = argc == 2 ? fopen(argv[1], "r") : NULL;
    char *message = NULL;
    size_t size = 0;

    if (messages == NULL) {
        perror("sysmon");
        return 1;
    }
    openlog("sysmon", LOG_NOWAIT, LOG_USER);
    while (getdelim(&message, &size, '\0', messages) > 0)
        syslog(LOG_USER | LOG_INFO, "%s", message);
    return 0;
}
