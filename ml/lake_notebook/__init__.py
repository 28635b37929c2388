"""What ml/sagemaker_training.ipynb does, so that the notebook itself can be read in a minute."""
