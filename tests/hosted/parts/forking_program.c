// forking_program.c - forks with a thread running and ends; its libraries do the rest.
// SPDX-License-Identifier: MIT
#include <pthread.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static void *allocate(void *argument)
{
    for (size_t i = 0; i < 100000; i++) {
        void *volatile block = malloc(i % 5000);
        free(block);
    }
    return argument;
}

int main(void)
{
    pthread_t thread;
    if (pthread_create(&thread, NULL, allocate, NULL) != 0) {
        return 1;
    }
    for (int i = 0; i < 20; i++) {
        int status = 0;
        pid_t child = fork();
        if (child == 0) {
            void *volatile block = malloc(100000);
            free(block);
            _exit(5);
        }
        if (waitpid(child, &status, 0) != child || !WIFEXITED(status) || WEXITSTATUS(status) != 5) {
            return 2;
        }
    }
    return pthread_join(thread, NULL) == 0 ? 0 : 1;
}
