"""What inputs, depth, grouping and order are worth, by short trainings: python -m jrecomp.train.ablations."""
