"""Logs to TensorBoard as well: ``--trainer.logger+=project.addons.tensorboard.logger.TensorBoard``."""
