"""Tests of brender's pure core."""
