"""What a machine does to a measurement that is not the measured program's doing: how long the machine stood still, and how
long its disk took, while something else ran. A process of its own, ahead of all others when it may be (SCHED_FIFO), sleeps
a millisecond at a time and notes by how much more it slept; a thread of it writes 8 KiB to the disk 50 times a second.
"""
import json
import os
import select
import subprocess
import sys
import threading
import time

NAP = 0.001
# Below that it is the scheduler's and the timer's grain, or somebody's turn; what stops a program is longer.
STOP_MS = 10


class Pauses:
    def __init__(self, folder):
        self.child = subprocess.Popen([sys.executable, __file__, folder], stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def take(self):
        """Since the last time: {"longest": ms, "stopped": ms together, "disk": ms of the longest write}."""
        self.child.stdin.write(b"\n")
        self.child.stdin.flush()
        return json.loads(self.child.stdout.readline())

    def close(self):
        self.child.stdin.close()
        self.child.wait(10)


class Seen:
    def __init__(self):
        self.longest = self.stopped = self.disk = 0.0

    def nap(self, late):
        self.longest = max(self.longest, late)
        self.stopped += late if late >= STOP_MS else 0

    def told(self):
        told = json.dumps({"longest": self.longest, "stopped": self.stopped, "disk": self.disk})
        self.__init__()
        return told


def watch_disk(path, seen):
    fd = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    while True:
        start = time.monotonic()
        # In place, as Postgres writes its log.
        os.pwrite(fd, os.urandom(8192), 0)
        os.fdatasync(fd)
        seen.disk = max(seen.disk, (time.monotonic() - start) * 1000)
        time.sleep(0.02)


def main():
    seen = Seen()
    threading.Thread(target=watch_disk, args=(f"{sys.argv[1]}/pauses", seen), daemon=True).start()
    try:
        # Of this thread only.
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
    except OSError:
        pass
    while True:
        start = time.monotonic()
        if select.select([sys.stdin], [], [], NAP)[0]:
            if not sys.stdin.readline():
                return
            print(seen.told(), flush=True)
        else:
            seen.nap((time.monotonic() - start - NAP) * 1000)


if __name__ == "__main__":
    main()
