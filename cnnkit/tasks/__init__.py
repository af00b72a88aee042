"""What needs more than a head: comparing backbones, the quickstart and its report, distilling nano and probing it."""
