"""The prompt with everything: prompt_toolkit for telnet sessions that the master lends, and for `brender shell`."""
