"""Bytes → event table: formats, times, levels."""
