"""Tests of the wire room: each file for the file of its name, and cutting for all together."""
