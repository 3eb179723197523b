#include "wss_client.h"

#include <fcntl.h>

enum {
    HEAD_SIZE = 4096,
    MAX_WORDS = 16,
};

uint16_t wss_start(server_t *server,
                   const char *program,
                   tls_files_t *files,
                   const char *const *settings)
{
    char cert[TLS_CLIENT_PATH + 16];
    char key[TLS_CLIENT_PATH + 16];
    const char *all[SERVER_MAX_SETTINGS + 1] = {"wss.listen=127.0.0.1:0", cert, key};
    size_t count = 3;

    tls_files_make(files, server->directory, "first", "10");
    snprintf(cert, sizeof(cert), "wss.cert=%s", files->cert);
    snprintf(key, sizeof(key), "wss.key=%s", files->key);
    for (size_t i = 0; settings[i] != NULL; i++) {
        assert_true(count < SERVER_MAX_SETTINGS);
        all[count++] = settings[i];
    }
    server_start(server, program, all);
    return server_await_port(server, "wss");
}

void wss_client_open(wss_client_t *client, uint16_t port, const char *const *words)
{
    const char *all[MAX_WORDS + 1] = {"-quiet", "-no_ign_eof"};
    char head[HEAD_SIZE];
    size_t count = 2;

    for (size_t i = 0; words[i] != NULL; i++) {
        assert_true(count < MAX_WORDS);
        all[count++] = words[i];
    }
    tls_client_start(&client->tls, port, all);
    ws_client_adopt(&client->ws, fcntl(client->tls.descriptor, F_DUPFD_CLOEXEC, 0));
    ws_client_upgrade(&client->ws, "", head, sizeof(head));
}

void wss_client_drop(wss_client_t *client)
{
    ws_client_drop(&client->ws);
    tls_client_drop(&client->tls);
}
