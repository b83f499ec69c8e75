"""Tests of whole farms made of real processes, killed at random moments."""
