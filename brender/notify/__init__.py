"""The sender of letters: takes what is due from the master's outbox, sends it, and says what became of it.

An ordinary client of port 6000 with plain sockets. It decides neither what is said nor when: the core does.
"""
