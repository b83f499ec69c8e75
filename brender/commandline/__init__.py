"""The command line as a person meets it: flags, settings, groups of words, tables in colour, completion.

It asks a master through caller.py and decides nothing about a farm. It must not be imported by anything but mains.
"""
