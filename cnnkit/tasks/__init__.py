"""Tasks that need more than a head: distillation, two-stage detection, masks, image translation."""
