"""Lines that somebody types: parsed, interpreted over short lists, never executed by Python."""
