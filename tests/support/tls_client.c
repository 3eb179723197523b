#include "tls_client.h"

#include "socket.h"
#include "test.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    MAX_WORDS = 32
};

static void exec_openssl(const char *const *words, pid_t parent)
{
    char *arguments[MAX_WORDS + 2] = {strdup("openssl")};

    for (size_t i = 0; i < MAX_WORDS && words[i] != NULL; i++) {
        arguments[i + 1] = strdup(words[i]);
    }
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() == parent) {
        execvp(arguments[0], arguments);
    }
    _exit(127);
}

/* Programs --------------------------------------------------------------------- */

void openssl_run(const char *directory, const char *const *words)
{
    pid_t parent = getpid();
    int status;
    pid_t pid;

    fflush(NULL);
    pid = fork();
    if (pid == 0) {
        int null = open("/dev/null", O_RDWR | O_CLOEXEC);

        dup2(null, STDIN_FILENO);
        dup2(null, STDOUT_FILENO);
        dup2(null, STDERR_FILENO);
        if (chdir(directory) == 0) {
            exec_openssl(words, parent);
        }
        _exit(127);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    if (status != 0) {
        fail_msg("openssl %s ended with status %#x", words[0], (unsigned)status);
    }
}

void tls_files_make(tls_files_t *files,
                    const char *directory,
                    const char *name,
                    const char *days)
{
    char request[TLS_CLIENT_PATH];
    char subject[TLS_CLIENT_PATH];

    snprintf(files->cert, sizeof(files->cert), "%s/%s.pem", directory, name);
    snprintf(files->key, sizeof(files->key), "%s/%s.key", directory, name);
    snprintf(request, sizeof(request), "%s/%s.csr", directory, name);
    snprintf(subject, sizeof(subject), "/O=%s/CN=localhost", name);
    OPENSSL_RUN(directory, "req", "-new", "-newkey", "ec", "-pkeyopt",
                "ec_paramgen_curve:P-256", "-nodes", "-subj", subject, "-keyout",
                files->key, "-out", request);
    OPENSSL_RUN(directory, "x509", "-req", "-in", request, "-signkey", files->key,
                "-days", days, "-out", files->cert);
}

/* Client ----------------------------------------------------------------------- */

static void run_client(int end, uint16_t port, const char *const *words, pid_t parent)
{
    char address[32];
    const char *all[MAX_WORDS + 1] = {"s_client", "-connect", address};
    size_t count = 3;

    snprintf(address, sizeof(address), "127.0.0.1:%u", port);
    for (size_t i = 0; words[i] != NULL && count < MAX_WORDS; i++) {
        all[count++] = words[i];
    }
    dup2(end, STDIN_FILENO);
    dup2(end, STDOUT_FILENO);
    dup2(open("/dev/null", O_RDWR | O_CLOEXEC), STDERR_FILENO);
    exec_openssl(all, parent);
}

void tls_client_start(tls_client_t *client, uint16_t port, const char *const *words)
{
    pid_t parent = getpid();
    int ends[2];

    assert_int_equal(client->pid, 0);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    fflush(NULL);
    client->pid = fork();
    if (client->pid == 0) {
        run_client(ends[1], port, words, parent);
    }
    close(ends[1]);
    assert_true(client->pid > 0);
    client->descriptor = ends[0];
    client->size = 0;
    client->seen = 0;
    client->text[0] = '\0';
}

void tls_client_say(const tls_client_t *client, const char *text)
{
    assert_true(socket_send(client->descriptor, text, strlen(text)));
}

/* False at the end. */
static bool read_some(tls_client_t *client)
{
    size_t room = sizeof(client->text) - 1 - client->size;
    size_t size;

    assert_true(room > 0);
    size = socket_receive(client->descriptor, client->text + client->size, room);
    client->size += size;
    client->text[client->size] = '\0';
    return size > 0;
}

bool tls_client_await(tls_client_t *client, const char *text)
{
    const char *found;

    while ((found = strstr(client->text + client->seen, text)) == NULL) {
        if (!read_some(client)) {
            return false;
        }
    }
    client->seen = (size_t)(found - client->text) + strlen(text);
    return true;
}

static void reap(tls_client_t *client)
{
    int status;

    close(client->descriptor);
    assert_int_equal(waitpid(client->pid, &status, 0), client->pid);
    client->pid = 0;
    client->descriptor = -1;
}

void tls_client_finish(tls_client_t *client)
{
    shutdown(client->descriptor, SHUT_WR);
    while (read_some(client)) {
    }
    reap(client);
}

void tls_client_drop(tls_client_t *client)
{
    if (client->pid != 0) {
        kill(client->pid, SIGKILL);
        reap(client);
    }
}
